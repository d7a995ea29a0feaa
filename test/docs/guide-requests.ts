import { defineRoom, RoomError, signal, sync } from "../../src/index.ts";
import * as z from "zod";

export const shop = defineRoom({
  path: "shop-{id}",
  state: () => ({ stock: sync(signal<Record<string, number>>({ apple: 3 })) }),
  requests: {
    "GET /stock/all": { run: ({ state }) => state.stock() }, // before the next one, which would match it too
    "GET /stock/:item": {
      run: ({ state, params, query, res }) =>
        state.stock()[params.item] ?? res.header("x-asked-by", query.get("by") ?? "nobody").notFound("No such thing"),
    },
    "POST /stock": {
      body: z.object({ item: z.string(), count: z.number().int() }),
      run({ state, body, room, res }) {
        if (body.count < 0) throw new RoomError("invalid_input", "Nothing comes in negative numbers");
        state.stock.mutate((stock) => void (stock[body.item] = body.count));
        room.storage.put("last delivery", Date.now()); // not state: neither sent nor in a snapshot
        return res.status(201).json({ delivered: room.storage.get<number>("last delivery") });
      },
    },
  },
});
