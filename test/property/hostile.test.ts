import { computed, signal } from "@signe/reactive";
import fc from "fast-check";
import { expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { applyPatch } from "../../src/protocol/apply-patch.ts";
import { nestDottedKeys } from "../../src/state/to-plain.ts";
import { users } from "../../src/app/users.ts";
import { collection, persist, sync } from "../../src/state/fields.ts";
import { withoutEmpty } from "../../src/testing/expected-view.ts";
import { MemoryRoom } from "../support/memory.ts";
import type { MemorySocket } from "../support/memory.ts";

/** An entry whose key a client has chosen. */
class Thing {
  text = sync(signal<unknown>(null));
  parts = collection(() => ({ size: sync(signal<unknown>(1)) }));
}
class Player {
  bag = sync(signal<Record<string, unknown>>({}));
}
const definition = defineRoom({
  path: "r",
  throttleSync: 0,
  throttleStorage: 0,
  rateLimit: { messages: 1e9, per: 1 },
  state: () => {
    const label = persist(signal("a"));
    return {
      any: sync(signal<unknown>(null)),
      list: sync(signal<unknown[]>([])),
      box: sync(signal<Record<string, unknown>>({})),
      things: collection(Thing),
      players: users(Player),
      label,
      // The key of this object comes from a client, and nothing checks it.
      made: sync(computed(() => ({ [label()]: label() }))),
    };
  },
  // This room stores whatever its clients send: the worst code that a developer could write.
  actions: {
    any: { run: ({ state }, value) => state.any.set(value) },
    push: { run: ({ state }, value) => void state.list().push(value) },
    put: {
      run({ state }, value) {
        const [key, inner] = value as [string, unknown];
        state.box()[key] = inner;
      },
    },
    dig: { run: ({ user }, value) => user.bag.mutate((bag) => void (bag[Object.keys(bag)[0] ?? "a"] = value)) },
    label: { run: ({ state }, value) => state.label.set(JSON.stringify([value]).slice(2, -2)) },
    add: { run: ({ state }, value) => void (state.things()[(value as [string])[0]] = new Thing()) },
    remove: { run: ({ state }, value) => void delete state.things()[(value as [string])[0]] },
    write: {
      run({ state }, value) {
        const [key, text] = value as [string, unknown];
        (state.things()[key] ?? Object.values(state.things())[0])?.text.set(text);
      },
    },
    extend: {
      run({ state }, value) {
        const [key, inner] = value as [string, unknown];
        for (const { parts } of Object.values(state.things())) parts()[key] = { size: sync(signal(inner)) };
      },
    },
    drop: { run: ({ state }, value) => void delete state.box()[value as string] },
    clear: { run: ({ state }) => (state.box.set({}), state.list.set([])) },
    count: { run: ({ state }) => state.list().length },
  },
});

/** The client's own state, as a developer who uses `@signe/sync` would declare it. */
const clientState = () => ({
  any: signal<unknown>(null),
  list: signal<unknown[]>([]),
  box: signal<Record<string, unknown>>({}),
  players: signal<Record<string, unknown>>({}),
  made: signal<Record<string, unknown>>({}),
  things: signal<Record<string, unknown>>({}),
});

/** A key of 6 KB that clients read as a path through thousands of objects. It replaces "<deep>" in frames. */
const deepKey = Array.from({ length: 3000 }, () => "a").join(".");

const key = fc.constantFrom(
  "<deep>",
  "a",
  "b",
  "0",
  "",
  "a.b",
  "a.text",
  "a.parts.b",
  "a.0",
  ".",
  "__proto__",
  "constructor",
  "prototype",
  "observable",
  "_subject",
  "valueOf",
  "isPrototypeOf",
  "__defineGetter__",
  "caller",
  "arguments",
  "name",
  "call",
  "apply",
  "freeze",
  "mutate",
  "options",
  "classType",
  "$delete",
  "length",
  "toString",
  "hasOwnProperty",
  "then",
  "set",
  "pId",
  "toJSON",
);
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { weight: 2, arbitrary: fc.oneof(fc.integer(), fc.boolean(), fc.constant(null), key, fc.string({ maxLength: 4 })) },
    fc.array(fc.tuple(key, tie("any")), { maxLength: 4 }).map((entries) => {
      // A key such as __proto__ becomes an ordinary property, as with JSON.parse.
      const object: Record<string, unknown> = {};
      for (const [name, inner] of entries) {
        Object.defineProperty(object, name, { value: inner, enumerable: true, configurable: true, writable: true });
      }
      return object;
    }),
    fc.array(tie("any"), { maxLength: 4 }),
  ),
})).any;
const action = fc.constantFrom(
  "any",
  "push",
  "put",
  "dig",
  "label",
  "drop",
  "clear",
  "add",
  "remove",
  "write",
  "extend",
);
const frame = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .record({ action, value: fc.oneof(value, fc.tuple(key, value)) })
      .map((message) => JSON.stringify(message)),
  },
  { weight: 1, arbitrary: value.map((message) => JSON.stringify(message) ?? "") },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "[".repeat(5000),
      `{"action":"any","value":${"[".repeat(70)}${"]".repeat(70)}}`,
      "\u0000",
      "",
    ),
  },
);

function inherited(): unknown[] {
  const names = Object.getOwnPropertyNames(Object.prototype).filter((name) => name !== "__proto__");
  return names.map((name) => [name, Object.getOwnPropertyNames((Object.prototype as never)[name])]);
}

/** The state of a client of this package. */
function seenBy({ texts }: MemorySocket): Record<string, unknown> {
  let state: Readonly<Record<string, unknown>> = {};
  for (const text of texts) {
    const packet = JSON.parse(text) as { type: string; value: Record<string, unknown> };
    if (packet.type === "sync") state = applyPatch(state, packet.value);
  }
  const { pId: _, ...own } = state;
  return withoutEmpty(own) as Record<string, unknown>;
}

it("P6: no frame from a client breaks the room, its other clients, or an object's prototype", async () => {
  let frames = 0;
  const before = inherited();
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { minLength: 5, maxLength: 30 }), async (texts) => {
      const room = new MemoryRoom<{ things(): Record<string, Thing> }>(definition.compiled);
      room.clientInstance = clientState;
      const socket = await room.connect("hostile");
      // This client runs `load`. If a packet breaks it, the error is thrown in the room's send.
      const victim = await room.connect("victim");
      for (const text of texts) {
        frames++;
        await room.core.message(socket, text.replaceAll("<deep>", deepKey));
      }
      expect(socket.isOpen, "the sender's connection").toBe(true);
      expect(victim.isOpen, "the other client's connection").toBe(true);
      await room.core.message(victim, '{"action":"count","id":"last"}');
      expect(victim.texts.at(-1)).toMatch(/^\{"type":"ack","value":\{"id":"last","result":\d+\}\}$/);
      const newcomer = await room.connect("newcomer");
      expect(newcomer.isOpen, "the newcomer's connection").toBe(true);
      expect(seenBy(newcomer)).toEqual(seenBy(victim));
      // Changes of one entry do not affect another entry.
      const things = Object.entries(room.state.things()).map(([name, { text }]) => [
        name,
        nestDottedKeys(text()) ?? null,
      ]);
      const seen = Object.entries((seenBy(victim)["things"] ?? {}) as Record<string, { text?: unknown }>);
      expect(withoutEmpty(Object.fromEntries(seen.map(([name, { text }]) => [name, text])))).toEqual(
        withoutEmpty(Object.fromEntries(things)),
      );
      for (const text of victim.texts) expect(text).not.toMatch(/"(__proto__|constructor|prototype)":/);
      expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
      // The prototypes of objects and functions are unchanged.
      expect(inherited()).toEqual(before);
      room.crash();
      expect((await room.connect("later")).isOpen, "the connection of a client that joins after a restart").toBe(true);
    }),
    { numRuns: 400 },
  );
  expect(frames).toBeGreaterThan(3000);
});
