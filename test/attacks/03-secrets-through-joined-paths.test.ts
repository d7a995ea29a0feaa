import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { collection, sync } from "../../src/state/fields.ts";
import { MemoryTree } from "../support/memory-shards.ts";
import { MemoryRoom } from "../support/memory.ts";
import type { MemorySocket } from "../support/memory.ts";
import { call } from "./support.ts";

const SECRET = "only-for-trusted-eyes";

/** A tree of nodes whose keys clients choose. Only trusted users, and users to whom a node is open, see its note. */
class TreeNode {
  openTo = signal<string[]>([]);
  note = sync(signal(""), {
    visibleTo: ({ auth }) => auth?.["trusted"] === true || this.openTo().includes(String(auth?.["sub"])),
  });
  children = collection(TreeNode);
}
class Player {
  x = sync(signal(0));
}
const stateOf = () => ({ nodes: collection(TreeNode), players: users(Player), count: sync(signal(0)) });
type State = ReturnType<typeof stateOf>;
const definition = defineRoom({
  path: "r",
  throttleSync: 0,
  state: stateOf,
  actions: {
    /** Adds a node that its author may read. */
    add: {
      run({ state, auth }, key) {
        const node = new TreeNode();
        node.openTo.set([String(auth?.["sub"])]);
        node.note.set("mine");
        state.nodes()[key as string] = node;
      },
    },
    /** The owner of the tree hides a note below a node. */
    hide: {
      run({ state }, path) {
        const [first, second] = path as [string, string];
        const child = new TreeNode();
        child.openTo.set(["friend"]);
        child.note.set(SECRET);
        const parent = new TreeNode();
        state.nodes()[first] = parent;
        parent.children()[second] = child;
      },
    },
    write: {
      run({ state }, value) {
        const [first, second, text] = value as [string, string, string];
        state.nodes()[first]?.children()[second]?.note.set(text);
      },
    },
    both: {
      run({ state }, value) {
        const [first, second, joined] = value as [string, string, string];
        state.nodes()[first]?.children()[second]?.note.set(`${SECRET}, changed`);
        state.nodes()[joined]?.note.set("mine, changed");
      },
    },
    count: { run: ({ state }) => state.count.update((count) => count + 1) },
  },
});

const position = (socket: MemorySocket) => {
  const packets = socket.texts.map((text) => JSON.parse(text) as { seq?: number; epoch?: string });
  const seq = packets.findLast((packet) => packet.seq !== undefined)?.seq;
  const epoch = packets.findLast((packet) => packet.epoch !== undefined)?.epoch;
  return `protocol=2&since=${seq}&epoch=${epoch}`;
};
const toldOf = (...sockets: MemorySocket[]) => sockets.flatMap(({ texts }) => texts).join("\n");

/** Keys that look like the path to a nested entry, for every separator with which code may join the parts of a path. */
const JOINED = ["a.children.b", "a\0children\0b", "a\nchildren\nb", "a/children/b", "a,children,b", "a children b"];

describe.each(JOINED)("a stranger with an entry named %j", (joined) => {
  it("does not receive the hidden text below another entry after a reconnect", async () => {
    const room = new MemoryRoom<State>(definition.compiled);
    const owner = await room.connect("owner", { sub: "owner", trusted: true }, undefined, "protocol=2");
    await call(room as never, owner, "hide", ["a", "b"]);
    const stranger = await room.connect("stranger", { sub: "stranger" }, undefined, "protocol=2");
    await call(room as never, stranger, "add", joined);
    const where = position(stranger);
    room.disconnect(stranger);
    await call(room as never, owner, "write", ["a", "b", `${SECRET}, changed`]);
    const again = await room.connect("stranger", { sub: "stranger" }, undefined, where);
    await call(room as never, owner, "write", ["a", "b", `${SECRET}, changed again`]);
    const anew = await room.connect("stranger", { sub: "stranger" }, undefined, "protocol=2");
    expect(toldOf(stranger, again, anew)).not.toContain(SECRET);
    expect(toldOf(owner)).toContain(`${SECRET}, changed again`);
  });

  it("does not receive it after the room hibernated", async () => {
    const room = new MemoryRoom<State>(definition.compiled);
    const owner = await room.connect("owner", { sub: "owner", trusted: true }, undefined, "protocol=2");
    await call(room as never, owner, "hide", ["a", "b"]);
    const stranger = await room.connect("stranger", { sub: "stranger" }, undefined, "protocol=2");
    await call(room as never, stranger, "add", joined);
    await room.evict();
    await call(room as never, stranger, "count");
    await call(room as never, owner, "write", ["a", "b", `${SECRET}, changed`]);
    await call(room as never, stranger, "count");
    expect(toldOf(stranger)).not.toContain(SECRET);
  });

  it("does not receive it at a shard, neither as a new client nor after the room lost its memory", async () => {
    const tree = new MemoryTree<State>(definition.compiled);
    const shard = tree.add("s");
    const owner = shard.connect("owner", { sub: "owner", trusted: true }, "protocol=2");
    const stranger = shard.connect("stranger", { sub: "stranger" }, "protocol=2");
    await tree.advance(100);
    shard.send(owner, { action: "hide", value: ["a", "b"], id: 1 });
    shard.send(stranger, { action: "add", value: joined, id: 1 });
    await tree.advance(5000);
    shard.disconnect(stranger);
    const again = shard.connect("stranger", { sub: "stranger" }, "protocol=2");
    await tree.advance(5000);
    tree.room.crash();
    await tree.advance(5000);
    shard.send(again, { action: "count", id: 2 });
    shard.send(owner, { action: "write", value: ["a", "b", `${SECRET}, changed`], id: 2 });
    await tree.advance(5000);
    expect(toldOf(stranger, again)).not.toContain(SECRET);
    expect(toldOf(owner)).toContain(`${SECRET}, changed`);
  });

  it("does not get the changes of a friend who sees the entry that the name looks like", async () => {
    const room = new MemoryRoom<State>(definition.compiled);
    const friend = await room.connect("friend", { sub: "friend" }, undefined, "protocol=2");
    const stranger = await room.connect("stranger", { sub: "stranger" }, undefined, "protocol=2");
    await call(room as never, stranger, "add", joined);
    await call(room as never, friend, "hide", ["a", "b"]);
    // Both see one change in this turn. What is encoded once for several viewers must only reach viewers of one kind.
    // kind.
    await call(room as never, friend, "both", ["a", "b", joined]);
    expect(toldOf(stranger)).not.toContain(SECRET);
    expect(toldOf(friend)).toContain(`${SECRET}, changed`);
  });
});

const isTrusted = ({ auth }: { auth: Readonly<Record<string, unknown>> | null }) => auth?.["trusted"] === true;
const trusted = { sub: "owner", trusted: true };

it("a client that reconnects gets each hidden collection in its place, whatever the keys around it", async () => {
  const makeSecret = (text: string) => ({ text: sync(signal(text)) });
  class Box {
    secrets = collection(() => makeSecret(""), { visibleTo: isTrusted });
    boxes = collection(Box);
  }
  const boxState = () => ({ boxes: collection(Box), count: sync(signal(0)) });
  const boxRoom = defineRoom({ path: "r", throttleSync: 0, state: boxState });
  const room = new MemoryRoom<ReturnType<typeof boxState>>(boxRoom.compiled);
  const owner = await room.connect("owner", trusted, undefined, "protocol=2");
  room.change(({ boxes }) => {
    const [outer, inner, other] = [new Box(), new Box(), new Box()];
    inner.secrets()["x"] = makeSecret("inner");
    other.secrets()["y"] = makeSecret("other");
    boxes()["a"] = outer;
    outer.boxes()["b"] = inner;
    boxes()["a\0boxes\0b"] = other;
  });
  const where = position(owner);
  room.disconnect(owner);
  room.change(({ count }) => count.set(1));
  const again = await room.connect("owner", trusted, undefined, where);
  expect(again.clients[0]?.state).toEqual({
    boxes: {
      a: { boxes: { b: { secrets: { x: { text: "inner" } } } } },
      "a\0boxes\0b": { secrets: { y: { text: "other" } } },
    },
    count: 1,
  });
});

it("the removal of an object inside a hidden entry does not reveal the entry's key", async () => {
  const item = () => ({ gold: sync(signal(1)) });
  const chest = () => ({ ...item(), inner: { x: sync(signal(1)) } });
  const vaultState = () => ({ vault: collection({ item, chest }, { visibleTo: isTrusted }) });
  const vaultRoom = defineRoom({ path: "r", throttleSync: 0, state: vaultState });
  const room = new MemoryRoom<ReturnType<typeof vaultState>>(vaultRoom.compiled);
  const owner = await room.connect("owner", trusted);
  const stranger = await room.connect("stranger", { sub: "stranger" });
  room.change(({ vault }) => (vault()["secret-key"] = chest()));
  expect(owner.clients[0]?.state).toMatchObject({ vault: { "secret-key": { inner: { x: 1 } } } });
  room.change(({ vault }) => (vault()["secret-key"] = item()));
  expect(owner.clients[0]?.state).toMatchObject({ vault: { "secret-key": { gold: 1 } } });
  expect(toldOf(owner)).toContain('"inner":"$delete"');
  expect(toldOf(stranger)).not.toContain("secret-key");
});

it("a shard that asks what its clients see does not get what they may no longer see, even without a change", async () => {
  let isOpen = true;
  const noteState = () => ({ note: sync(signal(SECRET), { visibleTo: () => isOpen }) });
  const noteRoom = defineRoom({ path: "r", throttleSync: 0, state: noteState, actions: { ask: { run: () => 1 } } });
  const tree = new MemoryTree<ReturnType<typeof noteState>>(noteRoom.compiled);
  const shard = tree.add("s");
  const viewer = shard.connect("viewer", null, "protocol=2");
  await tree.advance(5000);
  expect(toldOf(viewer)).toContain(SECRET);
  const told: string[] = [];
  const { shards } = tree.room;
  tree.room.shards = {
    ...shards,
    deliver: (shardId, batch) => {
      told.push(JSON.stringify(batch));
      return shards.deliver(shardId, batch);
    },
  };
  isOpen = false;
  shard.evict();
  shard.send(viewer, { action: "ask", id: 1 });
  await tree.advance(5000);
  expect(told.join()).toContain('"kind":"state"');
  expect(told.join()).not.toContain(SECRET);
});
