import { signal } from "@signe/reactive";
import { describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import type { Packet } from "../../src/define/types.ts";
import { persist, sync } from "../../src/state/fields.ts";
import { ODD_VALUES } from "../support/odd-values.ts";
import { testRoom } from "../support/harness.ts";

const AT = new Date(86_400_000);
const TEXT = "1970-01-02T00:00:00.000Z";

class Decimal {
  readonly #text = "1.5";
  toJSON() {
    return { text: this.#text };
  }
}
class Sly {
  toJSON() {
    return { at: AT, map: new Map() };
  }
}

/** The values that handlers return and send in these tests. */
const given = new Map<string, () => unknown>([
  ...Object.entries(ODD_VALUES),
  ["dates", () => ({ at: AT, deep: [{ at: AT }], never: new Date(Number.NaN) })],
  ["a class with toJSON", () => new Decimal()],
  ["a toJSON that is sly", () => new Sly()],
  ["a function inside", () => ({ run: () => 1, n: 1 })],
]);

/** Values that JSON can represent, in the form in which clients receive them. */
const SENT: Readonly<Record<string, unknown>> = {
  dates: { at: TEXT, deep: [{ at: TEXT }], never: null },
  "a Date": "1970-01-01T00:00:00.000Z",
  "an invalid Date": null,
  "a class with toJSON": { text: "1.5" },
  "a URL": "http://a/",
  "an instance of a class": { x: 1 },
  "an instance of a class with fields": { face: "ace" },
  "an object of fields": { hp: 1 },
  "a signal": 1,
  "an object with toJSON": "$delete",
  "a function inside": { n: 1 },
  "a function": undefined,
  "a symbol": undefined,
};
const REFUSED = [...given.keys()].filter((name) => !Object.hasOwn(SENT, name));

const made = (name: unknown) => given.get(String(name))?.();
let intercepted: unknown;

const definition = defineRoom({
  path: "room-{id}",
  throttleSync: 0,
  state: () => ({ n: sync(signal(0)), secret: persist(signal("hidden")) }),
  actions: {
    answer: { run: (_, name) => made(name) },
    nested: { run: (_, name) => ({ list: [made(name)] }) },
    broadcast: { run: ({ room }, name) => room.broadcast({ type: "news", value: made(name) }) },
    send: { run: ({ room, conn }, name) => room.send(conn, { type: "action", name: "move", data: made(name) }) },
    list: { run: ({ room }, name) => room.setListing({ value: made(name) }) },
  },
  requests: {
    "GET /answer/:name": { run: ({ params }) => ({ value: made(decodeURIComponent(params.name)) }) },
    "GET /json/:name": { run: ({ params, res }) => res.json({ value: made(decodeURIComponent(params.name)) }) },
  },
});

const silently = async (run: () => Promise<void>): Promise<string> => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  await run();
  const lines = log.mock.calls.join();
  log.mockRestore();
  return lines;
};

describe("what handlers return and send", () => {
  it.each(Object.keys(SENT))("is sent in its JSON form: %s", async (name) => {
    const room = testRoom(definition);
    const client = await room.connect();
    expect((await client.call("answer", name)).value["result"]).toEqual(SENT[name]);
    const inList = SENT[name] === undefined ? null : SENT[name];
    expect((await client.call("nested", name)).value["result"]).toEqual({ list: [inList] });
    await client.call("broadcast", name);
    expect(await client.until(({ type }) => type === "news")).toEqual({ type: "news", value: SENT[name] });
    for (const path of ["answer", "json"]) {
      const response = await room.fetch(`/${path}/${encodeURIComponent(name)}`);
      expect(await response.json()).toEqual({ value: SENT[name] });
    }
  });

  it.each(REFUSED)("is refused with an error that says why, and not sent as something else: %s", async (name) => {
    const room = testRoom(definition);
    const client = await room.connect();
    const lines = await silently(async () => {
      for (const action of ["nested", "broadcast", "send", "list"]) {
        expect((await client.call(action, name)).value, action).toMatchObject({ code: "internal" });
      }
      for (const path of ["answer", "json"]) {
        expect((await room.fetch(`/${path}/${encodeURIComponent(name)}`)).status).toBe(500);
      }
    });
    expect(lines.match(/JSON has no form for a/g)?.length).toBeGreaterThanOrEqual(6);
    expect(lines).toContain("list.0");
    expect(client.packets.map(({ type }) => type)).not.toContain("news");
  });

  it("a packet keeps its other keys, whatever their names, and a Date in them is text", async () => {
    const room = testRoom(definition);
    const client = await room.connect();
    await client.call("send", "dates");
    expect(await client.until(({ type }) => type === "action")).toEqual({
      type: "action",
      name: "move",
      data: SENT["dates"],
    });
  });

  it("an interceptor cannot send values that JSON cannot represent, either", async () => {
    const room = testRoom(
      defineRoom({
        path: "room-{id}",
        state: () => ({ n: sync(signal(0)) }),
        actions: { tell: { run: ({ room: here }) => here.broadcast({ type: "news" }) } },
        interceptorPacket: (_, packet) =>
          packet.type === "news" ? ({ ...packet, at: AT, value: intercepted } as Packet) : packet,
      }),
    );
    const client = await room.connect();
    const lines = await silently(async () => {
      intercepted = new Map();
      await client.call("tell");
    });
    expect(lines).toContain("value: JSON has no form for a Map");
    intercepted = "fine";
    await client.call("tell");
    expect(client.packets.filter(({ type }) => type === "news")).toEqual([{ type: "news", at: TEXT, value: "fine" }]);
  });
});

describe("a schema that no JSON value matches", () => {
  class Node {
    children: Node[] = [];
  }
  const tree: z.ZodType<Node> = z.object({ children: z.array(z.lazy(() => tree)) });
  const state = () => ({ n: sync(signal(0)) });
  const define = (input: z.ZodType) => () => defineRoom({ path: "a", state, actions: { go: { input, run() {} } } });

  it.each<[string, z.ZodType, string]>([
    ["a date", z.date(), "it takes a date, which JSON does not have; use z.coerce.date()"],
    ["a date inside", z.object({ on: z.object({ at: z.date() }) }), 'takes a date at "on.at"'],
    ["dates of a list", z.object({ all: z.array(z.date()) }), 'takes a date at "all"'],
    ["dates of a record", z.record(z.string(), z.date()), "takes a date,"],
    ["one of a tuple", z.tuple([z.string(), z.date()]), 'takes a date at "1"'],
    ["a map", z.map(z.string(), z.number()), "use z.record()"],
    ["a set", z.set(z.string()), "use z.array()"],
    ["a bigint", z.bigint(), "use z.coerce.bigint()"],
    ["a symbol", z.symbol(), "use z.string()"],
    ["NaN", z.nan(), "use z.number()"],
    ["a choice of them", z.union([z.date(), z.bigint()]), "takes a date"],
    ["a date that is changed later", z.date().transform((date) => date.getTime()), "takes a date"],
    ["a part of an intersection", z.intersection(z.object({ at: z.date() }), z.object({ n: z.number() })), '"at"'],
  ])("is refused when the room is defined, with a replacement: %s", (_, input, message) => {
    expect(define(input)).toThrow(message);
    expect(define(input)).toThrow('the action "go" has an input that no client can satisfy');
    const requests = { "POST /go": { body: input, run() {} } };
    expect(() => defineRoom({ path: "a", state, requests })).toThrow(message);
  });

  it.each<[string, z.ZodType]>([
    ["a coerced date", z.object({ at: z.coerce.date() })],
    [
      "a text that becomes a date",
      z.codec(z.iso.datetime(), z.date(), { decode: (text) => new Date(text), encode: String }),
    ],
    [
      "a text that is passed on",
      z
        .string()
        .transform((text) => new Date(text))
        .pipe(z.date()),
    ],
    ["one that is prepared", z.preprocess((value) => new Date(String(value)), z.date())],
    ["a choice", z.union([z.date(), z.string()])],
    ["a date that may be left out", z.object({ at: z.date().optional() })],
    ["a date with a default", z.object({ at: z.date().default(() => new Date()) })],
    ["null or a date", z.date().nullable()],
    ["a schema that holds itself", tree],
    ["one of a class, which nothing is known of", z.instanceof(Node)],
  ])("is not refused: %s", (_, input) => {
    expect(define(input)).not.toThrow();
  });

  it("a schema whose parts are declared later is not inspected", () => {
    const later: z.ZodType[] = [];
    const input = z.lazy(() => later[0] as z.ZodType & { missing: never });
    expect(define(input)).not.toThrow();
  });
});
