import { collection, connected, defineRoom, RoomError, signal, sync, users } from "durable-rooms";
import * as z from "zod";
import { COLOURS, HEIGHT, MOST_POINTS, MOST_STROKES, WIDTH } from "./board";
import type { Colour } from "./board";

class Guest {
  name = sync(signal("Somebody"));
  colour = sync(signal<Colour>("blue"));
  /** The position of the pointer. It changes all the time, and need not survive a restart. */
  cursor = sync(signal<{ x: number; y: number } | null>(null), { persist: false });
  online = connected();
}
/** Each stroke has its own row. Its points are x, y, x, y, …. When points are added, only the new ones are sent. */
const makeStroke = (by = "", colour: Colour = "ink") => ({
  by: sync(signal(by)),
  colour: sync(signal(colour)),
  points: sync(signal<number[]>([])),
});

const point = z.object({ x: z.number().int().min(0).max(WIDTH), y: z.number().int().min(0).max(HEIGHT) });
const points = z
  .array(z.number().int().min(0).max(Math.max(WIDTH, HEIGHT)))
  .min(2)
  .max(200);
const key = z.string().regex(/^[a-z0-9]{6,32}$/);

export const boardRoom = defineRoom({
  path: "board-{id}",
  rateLimit: { messages: 200, per: 1000 },
  state: () => ({ guests: users(Guest), strokes: collection(() => makeStroke()) }),

  onLeave: ({ user }) => user.cursor.set(null),

  actions: {
    join: {
      input: z.object({ name: z.string().trim().min(1).max(20), colour: z.enum(COLOURS) }),
      run({ user }, { name, colour }) {
        user.name.set(name);
        user.colour.set(colour);
      },
    },
    point: { input: point.nullable(), run: ({ user }, cursor) => user.cursor.set(cursor) },
    /** Begins a stroke, or continues one of the same user, so that a stroke needs only one kind of message. */
    draw: {
      input: z.object({ key, points }),
      run({ state, user, conn }, { key, points }) {
        const strokes = state.strokes();
        if (!strokes[key]) {
          if (Object.keys(strokes).length >= MOST_STROKES)
            throw new RoomError("forbidden", "The board is full: clear it");
          strokes[key] = makeStroke(conn.publicId, user.colour());
        }
        const stroke = strokes[key];
        if (stroke?.by() !== conn.publicId) throw new RoomError("forbidden", "This stroke is not yours");
        if (stroke.points().length + points.length > 2 * MOST_POINTS)
          throw new RoomError("forbidden", "Begin another stroke");
        stroke.points().push(...points);
      },
    },
    undo: {
      input: key,
      run({ state, conn }, key) {
        if (state.strokes()[key]?.by() !== conn.publicId) throw new RoomError("forbidden", "This stroke is not yours");
        delete state.strokes()[key];
      },
    },
    clear: {
      run({ state }) {
        for (const key of Object.keys(state.strokes())) delete state.strokes()[key];
      },
    },
  },
});
