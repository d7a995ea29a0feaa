import { collection, connected, defineRoom, signal, sync, users } from "durable-rooms";
import * as z from "zod";
import { GEM_RADIUS, GEMS, HZ, PLAYER_RADIUS, randomPosition, touches, walk } from "./arena";

/** What moves is not stored: after a restart a game like this begins anew. */
const MOVING = { persist: false };

class Player {
  name = sync(signal("Somebody"));
  hue = sync(signal(Math.floor(Math.random() * 360)));
  x = sync(signal(0), MOVING);
  y = sync(signal(0), MOVING);
  score = sync(signal(0));
  /** Where they want to go. Only the room needs it. */
  direction = signal({ x: 0, y: 0 });
  online = connected();
}
const makeGem = ({ x, y } = randomPosition(40)) => ({ x: sync(signal(x)), y: sync(signal(y)) });

export const arenaRoom = defineRoom({
  path: "arena-{id}",
  maxUsers: 16,
  throttleSync: 0, // each tick is sent as it is: clients rely on its pace
  throttleStorage: 5000,
  state: () => ({
    /** Counts the ticks: it says when what comes with it was true. */
    tick: sync(signal(0), MOVING),
    players: users(Player),
    gems: collection(() => makeGem()),
  }),

  onJoin({ user }) {
    if (user.x() !== 0) return; // they were here before
    const { x, y } = randomPosition(100);
    user.x.set(x);
    user.y.set(y);
  },
  onLeave: ({ user }) => user.direction.set({ x: 0, y: 0 }),

  actions: {
    rename: { input: z.string().trim().min(1).max(16), run: ({ user }, name) => user.name.set(name) },
    // A client says where it wants to go, never where it is: so nobody is faster than the others.
    steer: {
      input: z.object({ x: z.number().min(-1).max(1), y: z.number().min(-1).max(1) }),
      run: ({ user }, direction) => user.direction.set(direction),
    },
  },

  tick: {
    hz: HZ,
    run({ state }, elapsedMs) {
      state.tick.update((tick) => tick + 1);
      const gems = state.gems();
      for (const player of Object.values(state.players())) {
        if (!player.online()) continue;
        // After a pause nobody jumps.
        const { x, y } = walk({ x: player.x(), y: player.y() }, player.direction(), Math.min(elapsedMs, 200));
        player.x.set(Math.round(x));
        player.y.set(Math.round(y));
        for (const [key, gem] of Object.entries(gems)) {
          if (!touches({ x, y }, { x: gem.x(), y: gem.y() }, PLAYER_RADIUS + GEM_RADIUS)) continue;
          delete gems[key];
          player.score.update((score) => score + 1);
        }
      }
      while (Object.keys(gems).length < GEMS) gems[crypto.randomUUID().slice(0, 8)] = makeGem();
    },
  },
});
