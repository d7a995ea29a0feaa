import { connected, defineRoom, signal, sync, users } from "durable-rooms";
import * as z from "zod";

class Player {
  x = sync(signal(0));
  score = sync(signal(0));
  online = connected();
}

/** The room to which the examples of docstrings refer. */
export const gameRoom = defineRoom({
  path: "game-{id}",
  state: () => ({
    name: sync(signal("")),
    count: sync(signal(0)),
    phase: sync(signal<"waiting" | "playing">("waiting")),
    players: users(Player),
  }),
  tick: { hz: 30 },
  inputs: { steer: { input: z.object({ x: z.number() }), step: (me, { x }, { dt }) => ({ x: me.x + x * dt }) } },
  actions: {
    move: { input: z.object({ x: z.number(), y: z.number() }), run: ({ user }, { x }) => user.x.set(x) },
    rename: { input: z.string(), run: ({ state }, name) => state.name.set(name) },
    increment: { run: ({ state }) => state.count.update((count) => count + 1) },
  },
});

/** A room that the other one calls. */
export const leaderboard = defineRoom({
  path: "board-{id}",
  state: () => ({ best: sync(signal(0)) }),
  actions: {
    add: { from: "rooms", input: z.object({ name: z.string(), score: z.number() }), run: ({ state }) => state.best() },
  },
});
