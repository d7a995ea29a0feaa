import * as z from "zod";
import { createRooms, defineRoom, persist, signal, sync, users } from "../../../src/index.ts";
import { inspector } from "../../../src/inspector/index.ts";

const shape = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("circle"), radius: z.number().min(1).max(50) }),
  z.object({ kind: z.literal("box"), width: z.number(), height: z.number() }),
]);

/** Echoes what it receives: the inspector's form has to produce each kind of value. */
const toy = defineRoom({
  path: "toy-{id}",
  state: () => ({}),
  actions: {
    everything: {
      input: z.object({
        level: z.literal([1, 2, 3]),
        shape,
        note: z.string().nullable(),
        size: z.object({ width: z.int(), unit: z.enum(["px", "em"]) }).optional(),
        points: z.array(z.object({ x: z.number() })).min(1),
        pair: z.tuple([z.string(), z.number()]).optional(),
      }),
      run: (_, value) => value,
    },
  },
});

class Player {
  name = sync(signal("Somebody"));
}

/** Accepts many users, and has more fields than the page shows at once, some with long values. */
const wide = defineRoom({
  path: "wide-{id}",
  joinRate: { joins: 2000, per: 60_000 },
  state: () => ({
    players: users(Player, { visibleTo: "owner" }),
    ...Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [
        `field_${index}`,
        persist(signal(`${index}: ${"long ".repeat(100)}`)),
      ]),
    ),
  }),
});

const rooms = createRooms({ rooms: [toy, wide], inspector });

export class RoomObject extends rooms.RoomObject {}
export default rooms.app;
