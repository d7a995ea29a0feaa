import { defineRoom, signal, sync } from "../../src/index.ts";
import * as z from "zod";

export const auction = defineRoom({
  path: "auction-{id}",
  state: () => ({ price: sync(signal(0)), isOver: sync(signal(false)) }),
  actions: {
    bid: {
      input: z.number().positive(),
      run({ state, room }, price) {
        state.price.set(price);
        room.schedule("end", 60_000, { price }); // the same name again moves it
      },
    },
    cancel: { run: ({ room }) => room.unschedule("end") },
    pending: { run: ({ room }) => room.schedules }, // [{ name: "end", at, payload }]
  },
  schedules: {
    end: {
      payload: z.object({ price: z.number() }),
      run({ state }, { price }) {
        if (state.price() === price) state.isOver.set(true);
      },
    },
  },
});
