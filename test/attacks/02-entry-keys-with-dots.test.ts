import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { collection, sync } from "../../src/state/fields.ts";
import { MemoryRoom } from "../support/memory.ts";
import { call } from "./support.ts";

const offer = () => ({ text: sync(signal("")), tags: collection(() => ({ n: sync(signal(0)) })) });
const stateOf = () => ({ offers: collection(offer), count: sync(signal(0)) });
const definition = defineRoom({
  path: "r",
  throttleSync: 0,
  throttleStorage: 0,
  state: stateOf,
  actions: {
    add: { run: ({ state }, key) => void (state.offers()[key as string] = offer()) },
    set: { run: ({ state }, key) => state.offers.set({ ...state.offers(), [key as string]: offer() }) },
    tag: {
      run({ state }, value) {
        const [key, tag] = value as [string, string];
        const tags = state.offers()[key]?.tags();
        if (tags) tags[tag] = { n: sync(signal(0)) };
      },
    },
    write: {
      run({ state }, value) {
        const [key, text] = value as [string, string];
        state.offers()[key]?.text.set(text);
      },
    },
    count: { run: ({ state }) => state.count.update((count) => count + 1) },
  },
});
type State = ReturnType<typeof stateOf>;

/** Entries that all have the same kinds of fields stay in storage until they are read. */
const lightState = () => ({
  lights: collection(() => ({ level: sync(signal(0)), heat: sync(signal(0), { persist: false }) })),
});
type LightState = ReturnType<typeof lightState>;
const lightRoom = defineRoom({ path: "r", state: lightState });

type StoredOffer = { tags?: Record<string, unknown> };
const renamed = <T>(entries: Record<string, T>, change: (entry: T) => T = (entry) => entry) =>
  Object.fromEntries(Object.entries(entries).map(([key, entry]) => [key.replaceAll(".", "-"), change(entry)]));
const renamedRoom = defineRoom({
  path: "r",
  version: 2,
  state: stateOf,
  migrate: {
    2: ({ offers, ...rest }) => ({
      ...rest,
      offers: renamed(offers as Record<string, StoredOffer>, ({ tags = {}, ...offer }) => ({
        ...offer,
        tags: renamed(tags),
      })),
    }),
  },
});

/** The offers that a socket's two clients have: a plain object, and one with signals. */
const offersOf = (socket: { clients: readonly { state: unknown }[] }) =>
  socket.clients.map((client) => (client.state as { offers?: Record<string, unknown> }).offers);

async function roomWithOffer() {
  const room = new MemoryRoom<State>(definition.compiled);
  room.clientInstance = () => ({ offers: signal<Record<string, unknown>>({}), count: signal(0) });
  const owner = await room.connect("owner");
  await call(room as never, owner, "add", "offer-1");
  await call(room as never, owner, "write", ["offer-1", "for sale"]);
  return { room, owner, stranger: await room.connect("stranger") };
}

describe("an entry's key with a dot", () => {
  it.each([
    ["add", "offer-1.text", "offers.offer-1.text"],
    ["set", "offer-1.text", "offers.offer-1.text"],
    ["tag", ["offer-1", "a.b"], "offers.offer-1.tags.a.b"],
    ["add", ".", "offers.."],
    ["add", "a.", "offers.a."],
    ["add", ".a", "offers..a"],
  ])("is refused with its path in the error (%s %j)", async (action, value, path) => {
    const { room, owner, stranger } = await roomWithOffer();
    const answer = await call(room as never, stranger, action, value);
    expect(answer).toMatchObject({ code: "invalid_input" });
    expect(answer.message).toContain(path);
    expect(offersOf(owner)).toEqual([{ "offer-1": { text: "for sale" } }, { "offer-1": { text: "for sale" } }]);
  });

  it("does not change another entry at any client, and new clients can join", async () => {
    const { room, owner, stranger } = await roomWithOffer();
    await call(room as never, stranger, "add", "offer-1.text");
    await call(room as never, stranger, "write", ["offer-1.text", "worthless"]);
    expect(offersOf(owner)).toEqual([{ "offer-1": { text: "for sale" } }, { "offer-1": { text: "for sale" } }]);
    const newcomer = await room.connect("newcomer");
    expect(newcomer.isOpen).toBe(true);
    expect(offersOf(newcomer)).toEqual(offersOf(owner));
    await call(room as never, newcomer, "count");
    expect(newcomer.clients.map(({ state }) => (state as State & { count: unknown }).count)).toEqual([1, 1]);
  });

  it("that an earlier version stored is quarantined and not sent", async () => {
    const { room } = await roomWithOffer();
    room.storage.rows.set("offers.offer-1%2Etext", { text: "worthless" });
    room.crash();
    const newcomer = await room.connect("newcomer");
    expect(offersOf(newcomer)).toEqual([{ "offer-1": { text: "for sale" } }, { "offer-1": { text: "for sale" } }]);
    expect(room.core.handle.quarantine.list()).toMatchObject([
      { key: "offers.offer-1%2Etext", value: { text: "worthless" }, reason: expect.stringMatching(/key/) },
    ]);
  });

  it.each(["a.b", "hasOwnProperty"])(
    "that was stored in a collection that is read on demand is quarantined too (%s)",
    async (key) => {
      const room = new MemoryRoom<LightState>(lightRoom.compiled);
      const lights = ["a", "b", "c"];
      for (const name of [...lights, key]) {
        room.storage.rows.set(`lights.${name.replace(".", "%2E")}`, { level: 1 });
        room.storage.rows.set(`~lights.${name.replace(".", "%2E")}`, { heat: 1 });
      }
      room.crash();
      const newcomer = await room.connect("newcomer");
      const shown = newcomer.clients[0]?.state as { lights?: object } | undefined;
      expect(Object.keys(shown?.lights ?? {})).toEqual(lights);
      expect(Object.keys(room.state.lights())).toEqual(lights);
      expect(room.state.lights()[key]).toBeUndefined();
      expect(room.core.handle.quarantine.list()).toMatchObject([
        { value: { level: 1 }, reason: "An entry cannot have this key" },
      ]);
    },
  );

  it("that an earlier version stored can be renamed by a migration", async () => {
    const room = new MemoryRoom<State>(definition.compiled);
    room.storage.rows.set("offers.a%2Eb", { text: "kept" });
    room.storage.rows.set("offers.a%2Eb.tags.c%2Ed", { n: 3 });
    await room.deploy(renamedRoom.compiled);
    expect(room.core.handle.quarantine.list()).toEqual([]);
    expect(room.state.offers()["a-b"]?.text()).toBe("kept");
    expect(room.state.offers()["a-b"]?.tags()["c-d"]?.n()).toBe(3);
  });
});
