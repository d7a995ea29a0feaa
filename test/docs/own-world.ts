import { createRooms, requireAuth } from "../../src/index.ts";
import { worlds } from "../../src/worlds.ts";
import * as z from "zod";
import { duelRoom } from "./duel-room.ts";

export const duels = createRooms({
  rooms: [duelRoom],
  world: worlds({
    requests: {
      "GET /modes": {
        run: ({ state }) => Object.groupBy(state.listings, ({ metadata }) => String(metadata["mode"])),
      },
      "POST /news": {
        body: z.object({ text: z.string().max(200) }),
        guards: [requireAuth],
        run: ({ room, body }) => room.storage.put("news", body.text),
      },
      "GET /news": { run: ({ room }) => room.storage.get<string>("news") ?? "" },
    },
  }),
});
