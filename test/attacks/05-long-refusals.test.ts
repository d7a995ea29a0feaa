import { exports } from "cloudflare:workers";
import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import { sync } from "../../src/state/fields.ts";
import { MemoryTree } from "../support/memory-shards.ts";
import { MemoryRoom } from "../support/memory.ts";
import { call } from "./support.ts";

const MOST_ISSUES = 16;
/** About 4 KB for the issues, and the rest of the answer. */
const LONGEST_ANSWER = 6000;

const definition = defineRoom({
  path: "r",
  throttleSync: 0,
  state: () => ({ count: sync(signal(0)) }),
  actions: {
    numbers: { input: z.array(z.number()), run: () => {} },
    later: { input: z.array(z.number()).refine(async () => true), run: () => {} },
    strict: { input: z.strictObject({ a: z.number() }), run: () => {} },
    record: { input: z.record(z.string(), z.number()), run: () => {} },
    deep: { input: z.array(z.array(z.array(z.number()))), run: () => {} },
    /** A developer's message that quotes the input. */
    says: {
      input: z.string().refine(() => false, { error: ({ input }) => `"${String(input)}" is taken` }),
      run: () => {},
    },
    count: { run: ({ state }) => state.count.update((count) => count + 1) },
  },
  requests: {
    "POST /numbers": { body: z.array(z.number()), run: () => {} },
    "POST /strict": { body: z.strictObject({ a: z.number() }), run: () => {} },
    "POST /record": { body: z.record(z.string(), z.number()), run: () => {} },
  },
});

const LONG_KEY = "k".repeat(60_000);
const manyKeys = Object.fromEntries(Array.from({ length: 4500 }, (_, index) => [`key-${index}`, 1]));
/** Values of at most 64 KB for which a schema reports very many issues, or very long ones. */
const REFUSED: readonly (readonly [string, string, unknown])[] = [
  ["16,000 items that are all wrong", "numbers", Array.from({ length: 16_000 }, () => "")],
  ["the same, where the schema takes its time", "later", Array.from({ length: 16_000 }, () => "")],
  ["4,500 keys that are not known", "strict", { a: 1, ...manyKeys }],
  ["a long key whose value is wrong", "record", { [LONG_KEY]: "x" }],
  ["items far inside", "deep", [[Array.from({ length: 16_000 }, () => "")]]],
  ["a long text that the message repeats", "says", LONG_KEY],
];

describe("a message that is refused by its schema is answered with a few issues, not with a megabyte", () => {
  it.each(REFUSED)("%s", async (_, action, value) => {
    const room = new MemoryRoom(definition.compiled);
    const socket = await room.connect("a");
    const answer = await call(room as never, socket, action, value);
    expect(answer.code).toBe("invalid_input");
    expect(answer.issues?.length).toBeGreaterThan(0);
    expect(answer.issues?.length).toBeLessThanOrEqual(MOST_ISSUES);
    expect(answer.text.length).toBeLessThan(LONGEST_ANSWER);
  });

  it.each(REFUSED.filter(([, action]) => ["numbers", "strict", "record"].includes(action)))(
    "so is an HTTP request: %s",
    async (_, path, value) => {
      const room = new MemoryRoom(definition.compiled);
      const request = new Request(`http://room/${path}`, { method: "POST", body: JSON.stringify(value) });
      const answer = await room.core.request(request, `/${path}`, null);
      expect(answer.status).toBe(400);
      const text = await answer.text();
      expect((JSON.parse(text) as { issues: unknown[] }).issues.length).toBeLessThanOrEqual(MOST_ISSUES);
      expect(text.length).toBeLessThan(LONGEST_ANSWER);
    },
  );

  it("a few short issues are reported unchanged", async () => {
    const room = new MemoryRoom(definition.compiled);
    const socket = await room.connect("a");
    const { issues } = await call(room as never, socket, "numbers", [1, "two", 3, "four"]);
    expect(issues?.map(({ path }) => path)).toEqual([[1], [3]]);
  });
});

it("40 such messages through a shard do not cost the room its connection to it", async () => {
  const tree = new MemoryTree<unknown>(definition.compiled);
  const shard = tree.add("s");
  const hostile = shard.connect("hostile");
  const good = shard.connect("good");
  await tree.advance(100);
  const text = JSON.stringify({ action: "numbers", value: Array.from({ length: 16_000 }, () => ""), id: 1 });
  for (let sent = 0; sent < 40; sent++) shard.send(hostile, text);
  await tree.advance(2000);
  shard.send(good, { action: "count", id: "last" });
  await tree.advance(2000);
  expect(tree.room.log.map(({ event }) => event)).not.toContain("shard_lost");
  expect(hostile.texts.filter((packet) => packet.includes('"invalid_input"'))).toHaveLength(40);
  expect(good.isOpen).toBe(true);
  expect(good.texts.at(-1)).toContain('"last"');
  expect(tree.delivered.bytes).toBeLessThan(40 * LONGEST_ANSWER + 100_000);
});

it("a search that a World refuses is answered with a few issues too", async () => {
  const filter = Object.fromEntries(Array.from({ length: 1200 }, (_, index) => [`k${index}`, { is: 1 }]));
  const body = JSON.stringify({ party: "main", filter });
  const answer = await exports.default.fetch("http://rooms.test/parties/world/w/list-rooms", { method: "POST", body });
  expect(answer.status).toBe(400);
  const text = await answer.text();
  expect((JSON.parse(text) as { details: unknown[] }).details.length).toBeGreaterThan(0);
  expect(text.length).toBeLessThan(LONGEST_ANSWER);
});
