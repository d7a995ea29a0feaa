import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import * as mini from "zod/mini";
import * as z3 from "zod-3";
import * as z40 from "zod-4-0";
import * as z41 from "zod-4-1";
import { connectRoom } from "../../src/client/index.ts";
import type { RoomClient } from "../../src/client/index.ts";
import { defineRoom, signal, sync } from "../../src/index.ts";
import type { AnyRoom, StandardSchema } from "../../src/index.ts";
import { MemoryRoom } from "../support/memory.ts";

interface Move {
  x: number;
  name: string;
}
/** The same schema in each library: x is a number of 0 or more, and the default of name is "nobody". */
const move = {
  zod: z.object({ x: z.number().min(0), name: z.string().default("nobody") }),
  "zod/mini": mini.object({ x: mini.number().check(mini.minimum(0)), name: mini._default(mini.string(), "nobody") }),
  "zod 4.1": z41.object({ x: z41.number().min(0), name: z41.string().default("nobody") }),
  "zod 4.0": z40.object({ x: z40.number().min(0), name: z40.string().default("nobody") }),
  "zod 3": z3.object({ x: z3.number().min(0), name: z3.string().default("nobody") }),
  valibot: v.object({ x: v.pipe(v.number(), v.minValue(0)), name: v.optional(v.string(), "nobody") }),
  arktype: type({ x: "number >= 0", name: "string = 'nobody'" }),
} as const;

/** A room with an action and a request that use the schema. */
function roomOf<Z extends StandardSchema>(input: Z) {
  return defineRoom({
    path: "r",
    state: () => ({ moves: sync(signal(0)) }),
    actions: { move: { input, run: (_context, value) => value } },
    requests: { "POST /move": { body: input, run: ({ body, res }) => res.success({ body }) } },
  });
}

describe.each(Object.entries(move))("schemas of %s", (_name, schema) => {
  const { compiled } = roomOf(schema as StandardSchema<Move>);

  it("parse what actions and requests take", async () => {
    const room = new MemoryRoom(compiled);
    const client = await room.connect("ada");
    const ask = async (value: unknown, id: number) => {
      await room.core.message(client, JSON.stringify({ action: "move", value, id }));
      return JSON.parse(client.texts.at(-1) as string) as object;
    };
    expect(await ask({ x: 1 }, 1)).toMatchObject({ type: "ack", value: { result: { x: 1, name: "nobody" } } });
    expect(await ask({ x: -1 }, 2)).toMatchObject({
      type: "error",
      value: { code: "invalid_input", issues: [{ path: ["x"] }] },
    });
    const post = (body: unknown) =>
      room.core.request(
        new Request("http://rooms.test/move", { method: "POST", body: JSON.stringify(body) }),
        "/move",
        null,
      );
    expect(await (await post({ x: 2, name: "Ada" })).json()).toMatchObject({ body: { x: 2, name: "Ada" } });
    expect((await post({ x: "2" })).status).toBe(400);
  });
});

/** Checks the types that handlers get, and that clients may send. */
export function checkTypes(): void {
  const context = { path: "r", state: () => ({}) } as const;
  const rooms = {
    zod: defineRoom({ ...context, actions: { move: { input: move.zod, run: (_, value) => expectMove(value) } } }),
    mini: defineRoom({
      ...context,
      actions: { move: { input: move["zod/mini"], run: (_, value) => expectMove(value) } },
    }),
    z41: defineRoom({
      ...context,
      actions: { move: { input: move["zod 4.1"], run: (_, value) => expectMove(value) } },
    }),
    z40: defineRoom({
      ...context,
      actions: { move: { input: move["zod 4.0"], run: (_, value) => expectMove(value) } },
    }),
    z3: defineRoom({ ...context, actions: { move: { input: move["zod 3"], run: (_, value) => expectMove(value) } } }),
    valibot: defineRoom({
      ...context,
      actions: { move: { input: move.valibot, run: (_, value) => expectMove(value) } },
    }),
    arktype: defineRoom({
      ...context,
      actions: { move: { input: move.arktype, run: (_, value) => expectMove(value) } },
    }),
  };
  const clientOf = <R extends AnyRoom>(_room: R): RoomClient<R> => connectRoom<R>({ host: "h", room: "r" });
  for (const call of [
    () => clientOf(rooms.zod).call("move", { x: 1 }),
    () => clientOf(rooms.mini).call("move", { x: 1 }),
    () => clientOf(rooms.z41).call("move", { x: 1 }),
    () => clientOf(rooms.z40).call("move", { x: 1 }),
    () => clientOf(rooms.z3).call("move", { x: 1 }),
    () => clientOf(rooms.valibot).call("move", { x: 1 }),
    () => clientOf(rooms.arktype).call("move", { x: 1 }),
    // @ts-expect-error x is a number
    () => clientOf(rooms.zod).call("move", { x: "1" }),
    // @ts-expect-error x is a number
    () => clientOf(rooms.z3).call("move", { x: "1" }),
    // @ts-expect-error x is a number
    () => clientOf(rooms.valibot).call("move", { x: "1" }),
    // @ts-expect-error x is a number
    () => clientOf(rooms.arktype).call("move", { x: "1" }),
  ]) {
    void call;
  }
}

/** Checks the types of events and of schedules' payloads, with a schema of each library. */
export function checkDeclaredTypes(): void {
  const room = defineRoom({
    path: "r",
    state: () => ({}),
    events: { zod: move.zod, z40: move["zod 4.0"], z3: move["zod 3"], valibot: move.valibot, arktype: move.arktype },
    schedules: {
      z40: { payload: move["zod 4.0"], run: (_, value) => expectMove(value) },
      z3: { payload: move["zod 3"], run: (_, value) => expectMove(value) },
      valibot: { payload: move.valibot, run: (_, value) => expectMove(value) },
      arktype: { payload: move.arktype, run: (_, value) => expectMove(value) },
    },
    onStart({ room: handle }) {
      for (const type of ["zod", "z40", "z3", "valibot", "arktype"] as const) {
        handle.broadcast({ type, value: { x: 1 } });
        // @ts-expect-error x is a number
        handle.broadcast({ type, value: { x: "1" } });
      }
      handle.schedule("z40", 1, { x: 1 });
      handle.schedule("z3", 1, { x: 1 });
      handle.schedule("valibot", 1, { x: 1 });
      handle.schedule("arktype", 1, { x: 1 });
      // @ts-expect-error x is a number
      handle.schedule("z3", 1, { x: "1" });
      // @ts-expect-error x is a number
      handle.schedule("valibot", 1, { x: "1" });
      // @ts-expect-error x is a number
      handle.schedule("arktype", 1, { x: "1" });
    },
  });
  const client = connectRoom<typeof room>({ host: "h", room: "r" });
  const takes = (value: { x: number; name?: string | undefined }) => value.x;
  client.on("z40", takes);
  client.on("z3", takes);
  client.on("valibot", takes);
  client.on("arktype", takes);
  // @ts-expect-error x is a number
  client.on("valibot", (value: { x: string }) => value.x);
}

/** Takes a Move, but neither `unknown` nor `any`. */
function expectMove<T extends Move>(value: unknown extends T ? never : T): void {
  void value;
}
