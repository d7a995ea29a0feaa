import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { applyPatch } from "../../../src/protocol/apply-patch.ts";
import { defineRoom } from "../../../src/define/define-room.ts";
import { collection, sync } from "../../../src/state/fields.ts";
import { testRoom } from "../../support/harness.ts";
import type { TestClient } from "../../support/harness.ts";

type Question = { text: string; answers: string[]; by?: { name: string } };
type Any = string | number | null | readonly unknown[] | Readonly<Record<string, unknown>>;

const card = () => ({ shown: sync(signal<Any>(null)), score: sync(signal(0)) });
const quiz = defineRoom({
  path: "room-{id}",
  throttleSync: 0,
  state: () => ({
    question: sync(signal<Question | null>(null)),
    any: sync(signal<Any>(null)),
    settings: sync(signal<{ round: { limit: number } | null }>({ round: null })),
    cards: collection(card),
  }),
});

/** The value of the last sync packet. */
function last(client: TestClient): unknown {
  return client.packets.findLast(({ type }) => type === "sync")?.value;
}

/** The state that a client has after it applied all packets. */
function whole(client: TestClient): Readonly<Record<string, unknown>> {
  const patches = client.packets.filter(({ type }) => type === "sync").map(({ value }) => value);
  return patches.reduce<Readonly<Record<string, unknown>>>((state, patch) => applyPatch(state, patch), {});
}

describe.each(["protocol=2", "protocol=3"])("P5.4: an object that replaces null, for clients with %s", (query) => {
  it("arrives as an object, without names that have dots", async () => {
    const room = testRoom(quiz);
    const client = await room.connect({ query });
    const old = await room.connect();
    const question = { text: "Why?", answers: ["so"], by: { name: "Ada" } };
    await room.change((state) => state.question.set(question));
    await client.sees((state: { question: unknown }) => state.question !== null);
    expect(last(client)).toEqual({ question });
    await old.sees((state: { question: unknown }) => state.question !== null);
    expect(last(old)).toMatchObject({ question: "$delete", "question.text": "Why?" });
    expect(old.state).toMatchObject({ question });

    await room.change((state) => state.question.set({ ...question, text: "How?" }));
    await client.sees((state: { question: Question }) => state.question.text === "How?");
    expect(last(client)).toEqual({ question: { text: "How?" } });
    await room.change((state) => state.question.set(null));
    await client.sees((state: { question: unknown }) => state.question === null);
    await room.change((state) => state.question.set({ text: "Who?", answers: [] }));
    await client.sees((state: { question: unknown }) => state.question !== null);
    expect(last(client)).toEqual({ question: { text: "Who?", answers: [] } });
  });

  it("also arrives so inside of a value, in an entry, and instead of a number or a text", async () => {
    const room = testRoom(quiz);
    const client = await room.connect({ query });
    const told = async (change: (state: Parameters<Parameters<typeof room.change>[0]>[0]) => void) => {
      const { length } = client.packets;
      await room.change(change);
      await client.until((packet) => client.packets.indexOf(packet) >= length);
      return last(client);
    };
    expect(await told((state) => state.settings.set({ round: { limit: 3 } }))).toEqual({
      settings: { round: { limit: 3 } },
    });
    await told((state) => void (state.cards()["a"] = card()));
    expect(await told(({ cards }) => cards()["a"]?.shown.set({ suit: { name: "hearts" } }))).toEqual({
      cards: { a: { shown: { suit: { name: "hearts" } } } },
    });
    await told((state) => state.any.set(7));
    expect(await told((state) => state.any.set({ x: 1 }))).toEqual({ any: { x: 1 } });
    await told((state) => state.any.set("seven"));
    expect(await told((state) => state.any.set({}))).toEqual({ any: {} });
    expect(whole(client)).toMatchObject({ any: {}, cards: { a: { shown: { suit: { name: "hearts" } }, score: 0 } } });
  });

  it("replaces an array, with names with dots", async () => {
    const room = testRoom(quiz);
    const client = await room.connect({ query });
    await room.change((state) => state.any.set([1, 2]));
    await room.change((state) => state.any.set({ x: 1 }));
    await client.sees(({ any }: { any: unknown }) => !Array.isArray(any) && any !== null);
    expect(last(client)).toEqual({ any: "$delete", "any.x": 1 });
    await room.change((state) => state.any.set([]));
    await room.change((state) => state.any.set({}));
    await room.change((state) => state.settings.set({ round: { limit: 1 } }));
    await client.sees((state: { settings: { round: unknown } }) => state.settings.round !== null);
    expect(whole(client)).toMatchObject({ any: {} });
  });
});

describe("a room with an interceptor", () => {
  it("P5.4: passes the object to it, and to clients of protocol 2", async () => {
    const seen: unknown[] = [];
    const room = testRoom(
      defineRoom({
        path: "room-{id}",
        throttleSync: 0,
        state: () => ({ question: sync(signal<{ text: string } | null>(null)) }),
        interceptorPacket(_, packet) {
          seen.push(packet["value"]);
          return packet;
        },
      }),
    );
    const client = await room.connect({ query: "protocol=2" });
    await room.change((state) => state.question.set({ text: "Why?" }));
    await client.until(({ type, value }) => type === "sync" && !("pId" in value));
    expect(last(client)).toEqual({ question: { text: "Why?" } });
    expect(seen.at(-1)).toEqual({ question: { text: "Why?" } });
  });
});

describe("a number that becomes an object", () => {
  it("is a number again later, for clients that read differences", async () => {
    const measured = defineRoom({
      path: "room-{id}",
      throttleSync: 0,
      state: () => ({ x: sync(signal<Any>(1)) }),
    });
    const room = testRoom(measured);
    const client = await room.connect({ query: "protocol=3" });
    for (const value of [5, 6, { in: 1 }, 7, 8]) await room.change((state) => state.x.set(value));
    await client.sees(({ x }: { x: unknown }) => x === 8);
    expect(whole(client)).toMatchObject({ x: 8 });
  });
});
