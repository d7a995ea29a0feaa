import { defineRoom, signal, sync } from "durable-rooms";
import * as z from "zod";

const LENGTH = 10;
interface Score {
  quiz: string;
  name: string;
  points: number;
}

/** The best results of all quizzes. Pages only watch it, and only quizzes add to it. */
export const boardRoom = defineRoom({
  path: "board-{id}",
  spectators: true,
  throttleStorage: 0, // acknowledged scores are stored
  state: () => ({ best: sync(signal<Score[]>([])) }),
  guards: [({ isSpectator, conn }) => isSpectator || conn !== undefined],
  actions: {
    add: {
      from: "rooms",
      input: z.object({ players: z.array(z.object({ name: z.string(), points: z.number() })) }),
      run({ state, caller }, { players }) {
        // A quiz may report its scores twice.
        const others = state.best().filter(({ quiz }) => quiz !== caller.id);
        const added = players.map((player) => ({ ...player, quiz: caller.id }));
        state.best.set([...others, ...added].toSorted((a, b) => b.points - a.points).slice(0, LENGTH));
      },
    },
  },
});
