import { defineRoom, persist, signal, sync, users } from "../../src/index.ts";
import * as z from "zod";

export const sealed = defineRoom({
  path: "sealed-{id}",
  state: () => {
    const isOver = sync(signal(false));
    class Bidder {
      name = sync(signal("")); // everyone sees it
      notes = sync(signal<string[]>([]), { visibleTo: "owner" }); // only who made them
      bid = sync(signal(0), { visibleTo: ({ publicId }, owner) => isOver() || publicId === owner }); // later, all
      limit = persist(signal(0)); // nobody: it is stored, and never sent
    }
    return { isOver, bidders: users(Bidder) };
  },
  actions: {
    bid: { input: z.number(), run: ({ user }, amount) => user.bid.set(amount) },
    end: { run: ({ state }) => state.isOver.set(true) },
  },
});
