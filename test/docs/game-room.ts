// game-room.ts
import {
  collection,
  computed,
  connected,
  defineRoom,
  id,
  persist,
  requireClaim,
  RoomError,
  signal,
  sync,
  users,
} from "../../src/index.ts";
import * as z from "zod"; // not { z }: docs/deploying.md#size

class Player {
  id = id(); // filled with the user's publicId
  x = sync(signal(0));
  y = sync(signal(0));
  score = sync(signal(0));
  online = connected(); // kept by the runtime, never stored
  hand = sync(signal<string[]>([]), { visibleTo: "owner" });
}
const monster = () => ({ hp: sync(signal(10)) });

export const gameRoom = defineRoom({
  path: "game-{id}", // {name} segments become room.params.name
  maxUsers: 4,

  // Called once for each room, so that rooms never share a signal.
  state: () => {
    const scores = sync(signal<number[]>([]));
    return {
      scores,
      best: sync(computed(() => Math.max(0, ...scores()))), // sent, never stored
      status: sync(signal<"waiting" | "playing">("waiting")),
      turn: sync(signal(0), { persist: false }), // sent; a restart begins anew
      seed: persist(signal(1)), // stored, never sent
      cache: signal(0), // neither
      players: users(Player), // one entry for each user, by publicId
      monsters: collection(monster), // a record of entries, each stored on its own
    };
  },

  actions: {
    move: {
      input: z.object({ x: z.number().min(0).max(1000), y: z.number().min(0).max(1000) }),
      run({ user }, { x, y }) {
        user.x.set(x);
        user.y.set(y);
      },
    },
    hit: {
      input: z.string(),
      run({ state, user }, key) {
        const target = state.monsters()[key];
        if (!target) throw new RoomError("invalid_input", "There is no such monster");
        target.hp.update((hp) => hp - 1);
        if (target.hp() > 0) return "hit";
        delete state.monsters()[key]; // gone from the clients and from storage
        user.score.update((score) => score + 1);
        return "slain"; // what an action returns is its answer
      },
    },
    spawn: {
      guards: [requireClaim("role", "admin")],
      run({ state }) {
        const key = crypto.randomUUID();
        state.monsters()[key] = monster(); // sent and stored
        return key;
      },
    },
  },

  requests: {
    "GET /status": {
      run: ({ state }) => ({ status: state.status() }),
    },
    "GET /players/:id": {
      run: ({ state, params, res }) => state.players()[params.id] ?? res.notFound("Player not found"),
    },
    "POST /scores": {
      body: z.object({ score: z.number().min(0) }),
      guards: [requireClaim("role", "admin")],
      run({ state, body, res }) {
        state.scores.update((scores) => [...scores, body.score]);
        return res.success();
      },
    },
  },

  tick: {
    hz: 20, // only while someone is connected
    run({ state }) {
      if (state.status() === "playing") state.turn.update((turn) => turn + 1);
    },
  },

  onJoin({ state }) {
    if (Object.keys(state.players()).length > 1) state.status.set("playing");
  },
});
