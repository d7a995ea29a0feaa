import { defineRoom, signal, sync } from "../../src/index.ts";
import * as z from "zod";

export const chess = defineRoom({
  path: "chess-{id}",
  autoSync: false,
  state: () => ({ moves: sync(signal<string[]>([])) }),
  actions: {
    move: {
      input: z.string(),
      run: ({ state, room }, move) => {
        state.moves().push(move);
        return room.pendingSync; // true: clients do not know of it yet
      },
    },
    endTurn: { run: ({ room }) => room.applySync() },
    live: {
      input: z.boolean(),
      run({ room }, isLive) {
        room.autoSync = isLive;
      },
    },
  },
});
