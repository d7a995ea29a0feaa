import { signal } from "@signe/reactive";
import { load, syncClass, type } from "@signe/sync";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defineRoom, eachItem, sync } from "../../src/index.ts";
import { isPlain } from "../../src/protocol/values.ts";
import type { Plain } from "../../src/protocol/values.ts";
import { MemoryRoom } from "../support/memory.ts";

type Item = string | { name: string; tags: string[] };
const change = (item: Item): unknown =>
  typeof item === "string" ? item.toUpperCase() : { ...item, count: item.tags.length };

interface State {
  list: { (): Item[]; set(next: Item[]): void };
  bag: { (): Record<string, Item>; set(next: Record<string, Item>): void };
}

const initial = () => ({ list: ["a", "b", { name: "c", tags: ["x"] }] as Item[], bag: { a: "a", b: "b" } });

/** A client of `@signe/sync` that loads all packets. */
class Client {
  list = signal<unknown[]>([]);
  bag = signal<Record<string, unknown>>({});

  receive(packet: Plain): void {
    load(this, packet, true);
  }
  get state(): unknown {
    return { list: [...this.list()], bag: { ...this.bag() } };
  }
}

/**
 * The state in the original `@signe/sync`. It first calls `transform` with the whole value, and later with one item or
 * the whole value. So a function for both has to check what it gets.
 */
class Upstream {
  readonly client = new Client();
  readonly state = {} as State;
  #changes = new Map<string, unknown>();

  constructor() {
    const transform = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(change as (item: unknown) => unknown);
      if (!isPlain(value) || "tags" in value) return change(value as Item);
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, change(item as Item)]));
    };
    const { list, bag } = initial();
    const instance = this.state as never;
    const fieldOf = (own: unknown, name: string) => type(own as never, name, { transform }, instance) as never;
    this.state.list = fieldOf(signal(list), "list");
    this.state.bag = fieldOf(signal<Record<string, Item>>(bag), "bag");
    syncClass(this.state, { onSync: (changes) => (this.#changes = changes) });
    this.settle();
  }

  /** Sends the changes. @returns the packet, in which paths have become objects as in `@signe/room` */
  settle(): Plain {
    const packet: Plain = {};
    for (const [path, value] of this.#changes) {
      const names = path.split(".");
      const last = names.pop() as string;
      let at = packet;
      for (const name of names) at = (at[name] ??= {}) as Plain;
      at[last] = value;
    }
    this.#changes.clear();
    this.client.receive(JSON.parse(JSON.stringify(packet)) as Plain);
    return packet;
  }
}

/** The same state in a room with `eachItem`. */
async function ours() {
  const definition = defineRoom({
    path: "r",
    throttleSync: 0,
    state: () => {
      const { list, bag } = initial();
      return {
        list: sync(signal(list), { transform: eachItem(change) }),
        bag: sync(signal<Record<string, Item>>(bag), { transform: eachItem(change) }),
      };
    },
  });
  const room = new MemoryRoom<State>(definition.compiled);
  const client = new Client();
  room.clientInstance = () => client;
  const socket = await room.connect("ada");
  const run = (mutate: (state: State) => void): unknown => {
    const before = socket.texts.length;
    room.change(mutate);
    const sent = socket.texts.slice(before).map((text) => (JSON.parse(text) as { value: unknown }).value);
    expect(sent.length).toBeLessThan(2);
    return sent[0];
  };
  return { run, client, late: async () => JSON.parse((await room.connect("bob")).texts[0] as string) as unknown };
}

const item: fc.Arbitrary<Item> = fc.oneof(
  fc.constantFrom("x", "y", "zed"),
  fc.record(
    { name: fc.constantFrom("n", "m"), tags: fc.array(fc.constantFrom("t", "u"), { maxLength: 3 }) },
    { noNullPrototype: true },
  ),
);
const text = fc.constantFrom("x", "y", "zed");
const key = fc.constantFrom("a", "b", "c");
/**
 * Changes that upstream sends completely. It only sends the first of several pushed items, and nothing if an object
 * replaces another one. Its `load` cannot put an object in the place of a text.
 */
const mutation: fc.Arbitrary<(state: State) => void> = fc.oneof(
  item.map(
    (pushed) =>
      ({ list }: State) =>
        void list().push(structuredClone(pushed)),
  ),
  fc.tuple(fc.nat({ max: 2 }), text).map(
    ([index, next]) =>
      ({ list }: State) =>
        void (list()[index] = next),
  ),
  fc.array(text, { minLength: 3, maxLength: 3 }).map(
    (more) =>
      ({ list }: State) =>
        list.set([...more, ...list().slice(3)]),
  ),
  fc.tuple(key, text).map(
    ([name, next]) =>
      ({ bag }: State) =>
        void (bag()[name] = next),
  ),
  key.map((name) => ({ bag }: State) => {
    if (name in bag()) delete bag()[name];
  }),
);

describe("eachItem", () => {
  it("sends the bytes that @signe/sync sends for a pushed item, a set item, and set or deleted keys", async () => {
    const upstream = new Upstream();
    const { run, client } = await ours();
    expect(client.state).toEqual(upstream.client.state);
    const changes: readonly ((state: State) => void)[] = [
      ({ list }) => void list().push("d"),
      ({ list }) => void list().push({ name: "e", tags: ["x", "y"] }),
      ({ list }) => void (list()[1] = "beta"),
      ({ bag }) => void (bag()["c"] = { name: "c", tags: [] }),
      ({ bag }) => void (bag()["a"] = "alpha"),
      ({ bag }) => void delete bag()["b"],
    ];
    for (const mutate of changes) {
      mutate(upstream.state);
      expect(JSON.stringify(run(mutate))).toBe(JSON.stringify(upstream.settle()));
    }
    expect(client.state).toEqual(upstream.client.state);
  });

  it("replaces a transform for single items, for which @signe/sync shows later clients another state", () => {
    const state = {} as Pick<State, "list">;
    const transform = (value: unknown) => (typeof value === "string" ? value.toUpperCase() : value);
    state.list = type(signal(["a"]) as never, "list", { transform }, state as never) as never;
    let sent = new Map<string, unknown>();
    const join = () => syncClass(state, { onSync: (changes) => (sent = changes) });
    join();
    state.list().push("b");
    expect(sent.get("list.1"), "for connected clients").toBe("B");
    join();
    expect(sent.get("list"), "for clients that join later").toEqual({ 0: "a", 1: "b" });
  });

  it("shows clients what a transform for items and wholes shows with @signe/sync, for any changes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { maxLength: 12 }), async (mutations) => {
        const upstream = new Upstream();
        const { run, client, late } = await ours();
        for (const mutate of mutations) {
          mutate(upstream.state);
          upstream.settle();
          run(mutate);
          expect(client.state).toEqual(upstream.client.state);
        }
        expect(await late()).toMatchObject({ value: client.state });
      }),
    );
  });
});
