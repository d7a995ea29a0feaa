import * as z from "zod";
import { defineRoom } from "../../src/index.ts";

export const cursors = defineRoom({
  path: "cursors-{id}",
  state: () => ({}),
  actions: {
    point: {
      input: z.object({ x: z.number(), y: z.number() }),
      run({ room, conn }, { x, y }) {
        room.broadcast({ type: "cursor", value: { x, y } }, { latest: `cursor ${conn.publicId}` });
      },
    },
  },
});
