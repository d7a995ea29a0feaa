import { signal } from "@signe/reactive";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { collection, connected, id, persist, sync } from "../../src/state/fields.ts";
import { MemoryRoom } from "../support/memory.ts";

// This runs with the code of every released version. It uses the features of the first one, and newer ones if they
// exist.
// they exist.

const item = () => ({ count: sync(signal(1)), tags: sync(signal<string[]>([])) });

class Player {
  id = id();
  x = sync(signal(0));
  hand = sync(signal<string[]>([]), { visibleTo: "owner" });
  aim = sync(signal(0), { persist: false });
  online = connected();
  pos = { z: sync(signal(0)) };
  items = collection(item);
}

/** Undefined in versions without references, which have no variants either. */
const later = await import("../../src/state/reference.ts").catch(() => undefined);
const beast = () => ({ hp: sync(signal(1)) });
const dragon = () => ({ hp: sync(signal(9)), fire: sync(signal(1)) });
function laterState() {
  const beasts = collection({ beast, dragon });
  return { beasts, leader: later?.reference(() => beasts()) };
}

const stateOf = () => ({
  ...(later && laterState()),
  count: sync(signal(0)),
  title: sync(signal<string | null>(null)),
  seed: persist(signal(1)),
  list: sync(signal<number[]>([])),
  config: sync(signal<Record<string, unknown>>({})),
  area: { width: sync(signal(0)), names: persist(signal<string[]>([])) },
  turn: sync(signal(0), { persist: false }),
  players: users(Player),
  monsters: collection(() => ({ hp: sync(signal(10)) })),
});
export type State = ReturnType<typeof stateOf>;

/** Whether rooms have onCreate and an end: they were added later. */
const hasLifecycle = await import("../../src/room/lifecycle.ts").then(
  () => true,
  () => false,
);
/** How often `onCreate` ran. */
export const created = { count: 0 };

export const definition = defineRoom({
  path: "r",
  ...(hasLifecycle && { expireAfter: 1e12, onCreate: () => void created.count++ }),
  state: stateOf,
  actions: { ping: { run: () => "pong" } },
  schedules: { later: { run: () => {} } },
});

/**
 * Does what clients of a room do, and returns the rows at a moment when rows of every kind are stored.
 * @param isBusy whether the room is so busy at that moment that it has a journal
 * @returns the rows by key
 */
export async function play(isBusy = false): Promise<Record<string, unknown>> {
  const room = new MemoryRoom<State>(definition.compiled);
  room.neighbours = { ...room.neighbours, board: async () => ({ ok: true, token: "theirs" }) };
  room.crash();
  const names = new Map<string, string>();
  for (const name of ["ada", "bob", "cleo"]) {
    const socket = await room.connect(name, name === "ada" ? { sub: "ada's sub" } : null, undefined, "protocol=2");
    const [publicId] = /[A-Za-z0-9]{12}/.exec(socket.texts[0]?.split('"pId":"')[1] ?? "") ?? [""];
    names.set(publicId, `${name}-public`);
    await room.core.message(socket, `{"action":"ping","id":"${name}'s message"}`);
    if (name === "cleo") room.disconnect(socket);
  }
  const [ada, bob] = [...names.keys()] as [string, string];
  room.change((state) => {
    state.count.set(3);
    state.title.set("Tü");
    state.list.set([1, 2]);
    state.config.set({ map: { width: 5 } });
    state.area.width.set(7);
    state.area.names.set(["north"]);
    state.turn.set(2);
    state.monsters()["m-1%"] = { hp: sync(signal(4)) };
    if (state.beasts) {
      state.beasts()["d"] = dragon();
      state.leader?.set(state.beasts()["d"]);
    }
    const player = state.players()[ada] as Player;
    player.x.set(1.5);
    player.hand.set(["ace"]);
    player.aim.set(9);
    player.pos.z.set(-1);
    player.items()["sword"] = { count: sync(signal(2)), tags: sync(signal(["old"])) };
  });
  const { handle } = room.core;
  const bobs = handle.connections.find(({ publicId }) => publicId === bob);
  await handle.sessionTransfer(bobs as never, "elsewhere");
  const user = { x: 5, hand: [], pos: { z: 0 }, items: { bow: { count: 1, tags: [] } } };
  for (const name of ["eve", "finn"]) {
    const passenger = { sessionId: name, publicId: `${name}-public`, sub: undefined, state: { from: "elsewhere" } };
    await room.core.board({ ...passenger, transferId: `transfer-of-${name}`, user });
  }
  await room.core.recall("transfer-of-finn", "finn");
  handle.schedule("later", 60_000, { a: 1 });
  handle.schedule("later", 90_000, { a: 2 }, { key: "orc" });
  handle.storage.put("mine", { b: 2 });
  if ("listing" in handle) handle.listing({ mode: "blitz" }, { locked: true });
  if ("shards" in room) await meetShard(room);
  await room.advance(2000);
  handle.autoSync = false;
  room.change((state) => state.count.set(4));
  await room.advance(2000);
  await handle.flush();
  for (const x of isBusy ? [3, 2, 1.5] : []) {
    room.change((state) => {
      state.count.set(4);
      state.players()[ada]?.x.set(x);
      state.monsters()["of a moment"] = { hp: sync(signal(x)) };
    });
    if (x === 1.5) room.change((state) => delete state.monsters()["of a moment"]);
    await room.advance(1000);
  }
  const raw = room.storage.raw as Map<string, unknown> | undefined;
  return readable(raw ?? room.storage.rows, names);
}

/** Introduces a shard without clients, which the room remembers. */
async function meetShard(room: MemoryRoom<State>): Promise<void> {
  room.shards = {
    introduce: async () => ({ run: "run-1", roster: [], wantsState: false, mailed: 0 }),
    deliver: async () => ({ verdict: "ok" }),
  };
  await room.core.relay({ shardId: "shard-1", run: "run-1", life: "life-1", seq: 1, base: 1, items: [] });
}

/** The rows, with fixed names instead of random ids, and with maps as `$map`. */
function readable(rows: Map<string, unknown>, names: Map<string, string>): Record<string, unknown> {
  const named = [...rows].map(([key, value]) =>
    key.startsWith("$token:") ? [`$token:of-${(value as Token).value.sessionId}`, value] : [key, value],
  );
  let text = JSON.stringify(named, (_key, value: unknown) => (value instanceof Map ? { $map: [...value] } : value));
  for (const [publicId, name] of names) text = text.replaceAll(publicId, name);
  text = text.replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, "some-uuid");
  const sorted = (JSON.parse(text) as [string, unknown][]).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted);
}

interface Token {
  readonly value: { readonly sessionId: string };
}
