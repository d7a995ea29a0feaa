import { computed, signal } from "@signe/reactive";
import { expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { applyPatch, applyPatchInPlace } from "../../src/protocol/apply-patch.ts";
import { collection, persist, sync } from "../../src/state/fields.ts";
import { MemoryRoom } from "../support/memory.ts";
import { call } from "./support.ts";

/** Clients read a key with dots as a path: this one describes 3,000 nested objects. */
const deepKey = Array.from({ length: 3000 }, () => "a").join(".");
const stateOf = () => {
  const label = persist(signal(""));
  return {
    box: sync(signal<Record<string, unknown>>({})),
    any: sync(signal<unknown>(null)),
    label,
    // A field whose keys come from what a client sent. Nothing checks them as keys.
    counts: sync(computed(() => (label() === "" ? {} : { [label()]: 1 }))),
    count: sync(signal(0)),
  };
};
const definition = defineRoom({
  path: "r",
  throttleSync: 0,
  throttleStorage: 0,
  state: stateOf,
  actions: {
    put: { run: ({ state }, key) => void (state.box()[key as string] = 1) },
    mutate: { run: ({ state }, key) => state.box.mutate((box) => void (box[key as string] = 1)) },
    set: { run: ({ state }, key) => state.any.set({ [key as string]: 1 }) },
    label: { run: ({ state }, key) => state.label.set(key as string) },
    count: { run: ({ state }) => state.count.update((count) => count + 1) },
    both: { run: ({ state }, key) => (state.label.set(key as string), state.count.update((count) => count + 1)) },
  },
});
type State = ReturnType<typeof stateOf>;
const clientState = () => ({
  box: signal<Record<string, unknown>>({}),
  any: signal<unknown>(null),
  list: signal<unknown[]>([]),
  counts: signal<Record<string, unknown>>({}),
  count: signal(0),
});

/** A room with two clients. A packet that breaks their typed clients throws inside of the room. */
async function roomOfTwo() {
  const room = new MemoryRoom<State>(definition.compiled);
  room.clientInstance = clientState;
  return { room, hostile: await room.connect("hostile"), victim: await room.connect("victim") };
}
const countOf = (socket: { clients: readonly { state: unknown }[] }) =>
  socket.clients.map((client) => (client.state as { count?: number }).count);

it.each(["put", "mutate", "set"])(
  "a key that stands for thousands of nested objects is refused (%s), and others still see changes",
  async (action) => {
    const { room, hostile, victim } = await roomOfTwo();
    expect(await call(room as never, hostile, action, deepKey)).toMatchObject({ code: "invalid_input" });
    await call(room as never, hostile, "count");
    await call(room as never, victim, "count");
    expect(victim.isOpen).toBe(true);
    expect(countOf(victim)).toEqual([2, 2]);
    // Clients that join later get the state too, also after a restart.
    expect(countOf(await room.connect("new"))).toEqual([2, 2]);
    room.crash();
    expect(countOf(await room.connect("newer"))).toEqual([2, 2]);
  },
);

it("a value may have keys of up to 64 levels, counting dots like objects", async () => {
  const { room, hostile } = await roomOfTwo();
  const keyOf = (levels: number) => Array.from({ length: levels }, () => "a").join(".");
  expect(await call(room as never, hostile, "put", keyOf(60))).toMatchObject({ text: expect.stringContaining("ack") });
  expect(await call(room as never, hostile, "put", keyOf(66))).toMatchObject({ code: "invalid_input" });
});

it("a sent value may have keys of up to 512 characters", async () => {
  const { room, hostile, victim } = await roomOfTwo();
  for (const action of ["put", "mutate", "set"]) {
    expect(await call(room as never, hostile, action, "k".repeat(512))).not.toHaveProperty("code");
    const refusal = await call(room as never, hostile, action, "k".repeat(513));
    expect(refusal).toMatchObject({ code: "invalid_input", message: expect.stringContaining("512 characters") });
    expect(refusal.text.length).toBeLessThan(400);
  }
  expect(victim.isOpen).toBe(true);
});

it("a stored value with such a key is quarantined, and the room works without it", async () => {
  const room = new MemoryRoom<State>(definition.compiled);
  const socket = await room.connect("s");
  await call(room as never, socket, "count");
  room.storage.rows.set("box", { [deepKey]: 1 });
  room.crash();
  room.clientInstance = clientState;
  const victim = await room.connect("victim");
  expect(room.core.handle.quarantine.list().map(({ key }) => key)).toEqual(["box"]);
  await call(room as never, victim, "count");
  expect(countOf(victim)).toEqual([2, 2]);
});

it("if something throws while changes are collected, the other fields are sent, and the failed one later", async () => {
  const { room, hostile, victim } = await roomOfTwo();
  const box = room.core.tree.root.children.get("box") as unknown as { settle?: () => unknown };
  box.settle = () => {
    throw new Error("It cannot be told");
  };
  await call(room as never, hostile, "put", "a");
  await call(room as never, hostile, "count");
  expect(countOf(victim)).toEqual([1, 1]);
  expect(room.log.map(({ event }) => event)).toContain("state_failed");
  delete box.settle;
  await call(room as never, hostile, "put", "b");
  expect(victim.clients.map(({ state }) => (state as { box?: unknown }).box)).toEqual([
    { a: 1, b: 1 },
    { a: 1, b: 1 },
  ]);
});

it("a field that cannot be sent does not stop other fields from being sent, and is reported", async () => {
  const { room, hostile, victim } = await roomOfTwo();
  await call(room as never, hostile, "both", deepKey);
  expect(countOf(victim)).toEqual([1, 1]);
  expect(room.log.map(({ event }) => event)).toContain("state_failed");
  // The refused value does not block later changes, and newcomers get the state.
  await call(room as never, victim, "count");
  expect(countOf(victim)).toEqual([2, 2]);
  expect(countOf(await room.connect("new"))).toEqual([2, 2]);
  // The field is sent again as soon as its value is valid.
  await call(room as never, hostile, "label", "fine");
  expect(victim.clients.map(({ state }) => (state as { counts?: unknown }).counts)).toEqual([{ fine: 1 }, { fine: 1 }]);
});

/** A tree in which clients add nodes, and the contents of each node. */
class Branch {
  bag = sync(signal<Record<string, unknown>>({}));
  branches = collection(Branch);
}
const leafOf = (bag: Record<string, unknown>) => ({ bag: sync(signal(bag)) });
const treeDefinition = defineRoom({
  path: "r",
  throttleSync: 0,
  throttleStorage: 0,
  state: () => ({ tree: collection(Branch), leaves: collection(() => leafOf({})), count: sync(signal(0)) }),
  actions: {
    add: { run: ({ state }, value) => void (state.leaves()["new"] = leafOf(value as Record<string, unknown>)) },
    plant: { run: ({ state }) => void (state.tree()["a"] = new Branch()) },
    grow: {
      run({ state }) {
        let tip = state.tree()["a"] as Branch;
        for (let next = tip; next; next = next.branches()["a"] as Branch) tip = next;
        tip.branches()["a"] = new Branch();
      },
    },
    count: { run: ({ state }) => state.count.update((count) => count + 1) },
  },
});

it("entries may be nested 64 levels deep: a deeper one is refused, and the others work", async () => {
  const room = new MemoryRoom(treeDefinition.compiled);
  const hostile = await room.connect("hostile");
  const victim = await room.connect("victim");
  await call(room as never, hostile, "plant");
  const answers = [];
  for (let level = 0; level < 100; level++) answers.push(await call(room as never, hostile, "grow"));
  expect(answers.filter(({ code }) => code === undefined)).toHaveLength(31);
  expect(answers.at(-1)).toMatchObject({ code: "invalid_input", message: expect.stringContaining("64 levels") });
  await call(room as never, victim, "count");
  room.crash();
  const newcomer = await room.connect("newcomer");
  for (const client of [...victim.clients, ...newcomer.clients]) expect(client.state).toMatchObject({ count: 1 });
});

it.each([{ [deepKey]: 1 }, { list: [{ toString: 1 }] }])(
  "the values of a new entry are checked like later changes",
  async (value) => {
    const room = new MemoryRoom(treeDefinition.compiled);
    const hostile = await room.connect("hostile");
    expect(await call(room as never, hostile, "add", { a: 1 })).not.toHaveProperty("code");
    const refusal = await call(room as never, hostile, "add", value);
    expect(refusal).toMatchObject({ code: "invalid_input", message: expect.stringContaining("leaves.new.bag.") });
    const newcomer = await room.connect("newcomer");
    expect(newcomer.clients[0]?.state).toMatchObject({ leaves: { new: { bag: { a: 1 } } } });
  },
);

it("a stored entry with such a key is quarantined when clients should get it, and they get the others", async () => {
  const room = new MemoryRoom(treeDefinition.compiled);
  for (const key of ["a", "b", "c"]) room.storage.rows.set(`leaves.${key}`, { bag: { key } });
  room.storage.rows.set("leaves.b", { bag: { [deepKey]: 1 } });
  room.crash();
  const newcomer = await room.connect("newcomer");
  expect(newcomer.clients[0]?.state).toEqual({
    leaves: { a: { bag: { key: "a" } }, c: { bag: { key: "c" } } },
    count: 0,
  });
  expect(room.core.handle.quarantine.list().map(({ key }) => key)).toEqual(["leaves.b.bag"]);
});

it("a client ignores values that are nested deeper than any state, and takes the rest", () => {
  let nested: unknown = 1;
  for (let level = 0; level < 20_000; level++) nested = { a: nested };
  const patch = { [deepKey]: 1, nested, count: 2 };
  for (const state of [{}, applyPatch({}, { nested: { a: { b: 1 } } })]) {
    expect(applyPatch(state, patch)).toMatchObject({ count: 2 });
    expect(applyPatch(state, patch)).not.toHaveProperty("a");
  }
  const own = {};
  applyPatchInPlace(own, patch);
  expect(own).toMatchObject({ count: 2 });
});
