import { defineRoom } from "../../src/index.ts";
import * as z from "zod";

export const party = defineRoom({
  path: "party-{id}",
  state: () => ({}),
  events: {
    cheered: z.object({ by: z.string(), at: z.date() }),
    bell: z.undefined(), // nothing but its name
  },
  actions: {
    cheer: {
      run({ room, conn }) {
        room.broadcast({ type: "cheered", value: { by: conn.publicId, at: new Date() } }, { except: conn });
        room.send(conn, { type: "bell" }); // the same as conn.send({ type: "bell" })
      },
    },
  },
});
