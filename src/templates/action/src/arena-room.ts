import { collection, connected, defineRoom, signal, sync, users } from "durable-rooms";
import * as z from "zod";
import {
  GEM_RADIUS,
  GEMS,
  hits,
  HZ,
  PLAYER_RADIUS,
  POSITION,
  randomPosition,
  reach,
  RELOAD,
  step,
  touches,
  WALLS,
} from "./arena";
import type { Position, Wall } from "./arena";

/** Positions are not stored: after a restart the game begins again. */
const MOVING = { persist: false, as: POSITION };

class Player {
  name = sync(signal("Somebody"));
  hue = sync(signal(Math.floor(Math.random() * 360)));
  x = sync(signal(0), MOVING);
  y = sync(signal(0), MOVING);
  score = sync(signal(0));
  online = connected();
  /** The tick of the last shot. Only the room needs it. */
  shotAt = signal(-Infinity);
}
const makeGem = ({ x, y } = randomPosition(40)) => ({ x: sync(signal(x)), y: sync(signal(y)) });
const makeWall = ({ x, y, width, height }: Wall = { x: 0, y: 0, width: 0, height: 0 }) => ({
  x: sync(signal(x)),
  y: sync(signal(y)),
  width: sync(signal(width)),
  height: sync(signal(height)),
});
const direction = z.number().min(-1).max(1);
const position = z.object({ x: z.number(), y: z.number() });

function place(player: Player): void {
  const { x, y } = randomPosition(100);
  player.x.set(x);
  player.y.set(y);
}

export const arenaRoom = defineRoom({
  path: "arena-{id}",
  maxUsers: 16,
  throttleSync: 0, // every tick is sent, because pages show one after the other
  throttleStorage: 5000,
  state: () => ({
    players: users(Player, { history: { fields: ["x", "y"], ms: 1000 } }),
    gems: collection(() => makeGem()),
    walls: collection(() => makeWall(), { persist: false }),
  }),
  events: { shot: z.object({ by: z.string(), from: position, to: position, hit: z.string().optional() }) },

  onStart({ state }) {
    for (const [index, wall] of WALLS.entries()) state.walls()[`wall-${index}`] = makeWall(wall);
  },
  onJoin({ user }) {
    if (user.x() === 0) place(user); // a user who returns keeps the old position
  },

  actions: {
    rename: { input: z.string().trim().min(1).max(16), run: ({ user }, name) => user.name.set(name) },
  },

  inputs: {
    // A client sends a direction, never a position, so it cannot move faster than others.
    move: {
      input: z.object({ x: direction, y: direction, shot: z.object({ x: direction, y: direction }).optional() }),
      step,
      run({ user, conn, state, room, tick, seen }, { shot }) {
        if (!shot || tick - user.shotAt() < RELOAD) return;
        user.shotAt.set(tick);
        const length = Math.max(Math.hypot(shot.x, shot.y), 0.001);
        const way = { x: shot.x / length, y: shot.y / length };
        const from = { x: user.x(), y: user.y() };
        let far = reach(from, way, WALLS);
        let hit: string | undefined;
        // The shooter aimed at the positions that the page showed, which are in the past.
        room.rewind(seen, ({ players }: { players: Readonly<Record<string, Position>> }) => {
          for (const [id, target] of Object.entries(players)) {
            if (id === conn.publicId || !state.players()[id]?.online()) continue;
            const distance = hits(from, way, target);
            if (distance !== undefined && distance < far) [far, hit] = [distance, id];
          }
        });
        const victim = hit === undefined ? undefined : state.players()[hit];
        if (victim) {
          user.score.update((score) => score + 3);
          place(victim);
        }
        const to = { x: from.x + way.x * far, y: from.y + way.y * far };
        room.broadcast({ type: "shot", value: { by: conn.publicId, from, to, hit } });
      },
    },
  },

  tick: {
    hz: HZ,
    run({ state }) {
      const gems = state.gems();
      for (const player of Object.values(state.players())) {
        if (!player.online()) continue;
        for (const [key, gem] of Object.entries(gems)) {
          const isTouched = touches(
            { x: player.x(), y: player.y() },
            { x: gem.x(), y: gem.y() },
            PLAYER_RADIUS + GEM_RADIUS,
          );
          if (!isTouched) continue;
          delete gems[key];
          player.score.update((score) => score + 1);
        }
      }
      while (Object.keys(gems).length < GEMS) gems[crypto.randomUUID().slice(0, 8)] = makeGem();
    },
  },
});
