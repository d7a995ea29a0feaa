import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import { near, persist, quantized, sync, users, collection, byKey } from "../../src/index.ts";
import { ByteReader } from "../../src/protocol/binary/bytes.ts";
import { FRAME, readSyncHead } from "../../src/protocol/binary/frames.ts";
import type { ToShard } from "../../src/relay/messages.ts";
import { ResumingClient } from "../room/sync/resuming-client.ts";
import { BinaryTexts } from "../support/binary-texts.ts";
import type { MemorySocket } from "../support/memory.ts";
import { MemoryTree } from "../support/memory-shards.ts";

const BINARY = "protocol=2&protocol=3";
const coordinate = () => sync(signal(0), { as: quantized({ min: 0, max: 1000, bits: 16 }) });
class Player {
  x = coordinate();
  y = coordinate();
  hand = sync(signal<string[]>([]), { visibleTo: "owner" });
}
class Trap {
  zone = persist(signal("a"));
  hiddenDamage = sync(signal(1));
}
class Mob {
  x = coordinate();
  y = coordinate();
}
const state = () => ({
  count: sync(signal(0)),
  players: users(Player),
  traps: collection(Trap, {
    visibleTo: byKey<Trap>({ of: ({ zone }) => zone(), for: ({ auth }) => String(auth?.["zone"]) }),
  }),
  mobs: collection(Mob, {
    visibleTo: near({
      x: "x",
      y: "y",
      radius: 100,
      from: ({ user }) => ({ x: (user as Player).x(), y: (user as Player).y() }),
    }),
  }),
});
type State = ReturnType<typeof state>;
const actions = {
  add: { run: ({ state: { count } }: { state: State }) => (count.update((value) => value + 1), "added") },
  draw: { input: z.string(), run: ({ user }: { user: Player }, card: string) => user.hand.set([card]) },
};
const compiled = defineRoom({ path: "r", throttleSync: 0, state, actions }).compiled;

/** A client that reads frames of protocol 3, and keeps its tables when it reconnects. */
class Reader extends ResumingClient {
  readonly binary = new BinaryTexts();
  socket!: MemorySocket;

  override get query(): string {
    return `${super.query.replace("protocol=2", BINARY)}&${this.binary.query}`;
  }

  override connected(socket: MemorySocket): void {
    socket.binary = this.binary;
    this.socket = socket;
    super.connected(socket);
  }

  override read(): void {
    expect(this.socket.malformed).toEqual([]);
    super.read();
  }

  /** The frames since the last call. */
  news(): (string | Uint8Array)[] {
    this.read();
    return this.socket.frames.splice(0);
  }
}

async function grow(shards: number, perShard: number) {
  const tree = new MemoryTree<State>(compiled);
  const readers: Reader[] = [];
  for (let shard = 0; shard < shards; shard++) {
    tree.add(`s${shard}`);
    for (let client = 0; client < perShard; client++) readers.push(join(tree, `s${shard}`, `${shard}-${client}`));
  }
  await tree.advance(5000);
  for (const reader of readers) reader.news();
  return { tree, readers };
}

function join(tree: MemoryTree<State>, shard: string, session: string, reader = new Reader()): Reader {
  const socket = tree.shards.get(shard)?.connect(session, { zone: "a" }, reader.query);
  reader.connected(socket as MemorySocket);
  return reader;
}

const move = (tree: MemoryTree<State>, by: number) =>
  tree.room.change(({ players }) => {
    for (const player of Object.values(players())) player.x.update((x) => x + by);
  });
const bytesOf = (frames: readonly (string | Uint8Array)[]) => frames.reduce((sum, frame) => sum + frame.length, 0);
const headOf = (frame: unknown) => readSyncHead(new ByteReader((frame as Uint8Array).subarray(1)));
const isBinary = (frame: unknown) => typeof frame !== "string";

/** Records what the room tells its shards from now on. */
function overhear(tree: MemoryTree<State>): readonly ToShard[] {
  const told: ToShard[] = [];
  const { shards } = tree.room;
  tree.room.shards = {
    ...shards,
    deliver: (shardId, batch) => (told.push(...batch.items), shards.deliver(shardId, batch)),
  };
  return told;
}

describe("P13: clients of protocol 3 at shards", () => {
  it("get the same frame as clients of the room, and a patch for all is encoded once", async () => {
    const { tree, readers } = await grow(2, 5);
    const direct = new Reader();
    direct.connected(await tree.room.connect("direct", null, undefined, BINARY, direct.binary));
    await tree.advance(1000);
    move(tree, 1);
    await tree.advance(1000);
    for (const reader of [direct, ...readers]) reader.news();
    const told = overhear(tree);
    move(tree, 1);
    await tree.advance(1000);
    const [frame] = direct.news() as [Uint8Array];
    const frames = readers.map((reader) => reader.news());
    expect(new Set(frames.map(([each]) => (each as Uint8Array).toString()))).toEqual(new Set([frame.toString()]));
    // All eleven players moved by a few steps, which takes about two bytes for each.
    expect(bytesOf([frame])).toBeLessThan(50);
    const blocks = told.flatMap((item) => (item.kind === "sync" ? [item.blocks] : []));
    expect(blocks).toHaveLength(2);
    expect(blocks[1]).toBe(blocks[0]);
  });

  it("have the state of clients of JSON, with their private values, and get acknowledgements as binary frames", async () => {
    const { tree, readers } = await grow(1, 2);
    const json = tree.shards.get("s0")?.connect("json", null, "protocol=2");
    await tree.advance(1000);
    for (const reader of readers) reader.news();
    const [ada, bob] = readers as [Reader, Reader];
    const send = (what: object) => tree.shards.get("s0")?.send(ada.socket, what);
    send({ action: "draw", value: "ace", id: 1 });
    send({ action: "add", id: 2 });
    await tree.advance(1000);
    const kinds = ada.socket.frames.map((frame) => (frame as Uint8Array)[0]);
    expect(kinds.filter((kind) => kind === FRAME.ack)).toHaveLength(2);
    expect(ada.socket.texts.at(-1)).toContain('"value":{"id":2,"result":"added"}');
    expect(ada.news().every(isBinary)).toBe(true);
    bob.read();
    const { publicId } = ada;
    expect(ada.state).toMatchObject({ count: 1, players: { [publicId]: { hand: ["ace"] } } });
    expect(bob.state).toMatchObject({ count: 1, players: { [publicId]: { x: 0 } } });
    expect(JSON.stringify(bob.state)).not.toContain("ace");
    expect(json?.frames.some(isBinary)).toBe(false);
  });

  it("resume at another shard, and at the room", async () => {
    const { tree, readers } = await grow(2, 1);
    const [ada] = readers as [Reader];
    move(tree, 2);
    await tree.advance(1000);
    ada.read();
    tree.shards.get("s0")?.disconnect(ada.socket);
    move(tree, 3);
    join(tree, "s1", "0-0", ada);
    await tree.advance(1000);
    const [first] = ada.news();
    expect(headOf(first)).toMatchObject({ resumed: true });
    expect(headOf(first).tables).toBeUndefined();
    move(tree, 4);
    await tree.advance(1000);
    ada.read();
    tree.shards.get("s1")?.disconnect(ada.socket);
    move(tree, 5);
    ada.connected(await tree.room.connect("0-0", { zone: "a" }, undefined, ada.query, ada.binary));
    move(tree, 6);
    await tree.advance(1000);
    ada.read();
    expect(ada.how).toEqual(["whole", "resumed", "resumed"]);
    const x = tree.room.state.players()[ada.publicId]?.x();
    expect(ada.state).toMatchObject({ players: { [ada.publicId]: { x } } });
    expect(x).toBeCloseTo(20, 1);
  });

  it.each(["the shard slept", "the room slept", "the room lost its memory"])(
    "get binary frames after %s",
    async (what) => {
      const { tree, readers } = await grow(1, 2);
      move(tree, 1);
      await tree.advance(5000);
      if (what === "the shard slept") tree.shards.get("s0")?.evict();
      else if (what === "the room slept") await tree.room.evict();
      else tree.room.crash();
      await tree.advance(5000);
      move(tree, 1);
      await tree.advance(5000);
      for (const reader of readers) {
        const frames = reader.news();
        expect(frames.every(isBinary)).toBe(true);
        const x = tree.room.state.players()[reader.publicId]?.x();
        expect(reader.state).toMatchObject({ players: { [reader.publicId]: { x } } });
        // Clients do not receive tables again that they know.
        if (what !== "the room lost its memory") expect(frames.some((frame) => headOf(frame).tables)).toBe(false);
      }
    },
  );

  it("get new tables if the room wakes with another version while they stay", async () => {
    const { tree, readers } = await grow(1, 2);
    const other = () => ({ ...state(), added: sync(signal(0)) });
    await tree.advance(5000);
    const deployed = tree.room.deploy(defineRoom({ path: "r", throttleSync: 0, state: other, actions }).compiled);
    await tree.advance(5000);
    await deployed;
    tree.room.change((now) => (now as ReturnType<typeof other>).added.set(7));
    await tree.advance(5000);
    for (const reader of readers) {
      reader.read();
      expect(reader.state).toMatchObject({ added: 7 });
      expect(reader.socket.frames.every(isBinary)).toBe(true);
    }
  });

  it("P13.5: get no names that they may not see, not even a field", async () => {
    const { tree, readers } = await grow(1, 1);
    const stranger = tree.shards.get("s0")?.connect("eve", { zone: "b" }, BINARY) as MemorySocket;
    await tree.advance(1000);
    tree.room.change(({ traps }) => (traps()["trap key"] = new Trap()));
    await tree.advance(1000);
    tree.room.change(({ traps }) => traps()["trap key"]?.hiddenDamage.set(2));
    await tree.advance(1000);
    const said = ({ frames }: MemorySocket) =>
      frames.map((frame) => (typeof frame === "string" ? frame : new TextDecoder().decode(frame))).join("");
    for (const name of ["hiddenDamage", "trap key"]) expect(said(stranger)).not.toContain(name);
    const [owner] = readers as [Reader];
    expect(said(owner.socket)).toContain("trap key");
    owner.read();
    expect(owner.state).toMatchObject({ traps: { "trap key": { hiddenDamage: 2 } } });
  });

  it("P9.10: get a crowd from the shard in as few bytes as from the room", async () => {
    const { tree, readers } = await grow(1, 3);
    const json = tree.shards.get("s0")?.connect("json", null, "protocol=2") as MemorySocket;
    tree.room.change(({ mobs }) => {
      for (let index = 0; index < 30; index++) mobs()[`mob-${index}`] = new Mob();
    });
    const step = async () => {
      tree.room.change(({ mobs }) => {
        for (const mob of Object.values(mobs())) mob.x.update((x) => x + 0.5);
      });
      await tree.advance(1000);
    };
    for (let steps = 0; steps < 3; steps++) await step();
    for (const reader of readers) reader.news();
    const told = overhear(tree);
    await step();
    expect(told).toHaveLength(1);
    for (const reader of readers) {
      const frames = reader.news();
      expect(frames).toHaveLength(1);
      // A slot of two bytes, and 16 bits, for each of the thirty players.
      expect(bytesOf(frames)).toBeLessThan(30 * 4 + 20);
    }
    expect(bytesOf(json.frames.slice(-1))).toBeGreaterThan(30 * 20);
    const [ada] = readers as [Reader];
    const x = tree.room.state.mobs()["mob-7"]?.x();
    expect(ada.state).toMatchObject({ mobs: { "mob-7": { x } } });
  });
});

describe("P13.1: the protocol at a shard", () => {
  async function spoken(isOldShard: boolean, isOldRoom: boolean) {
    const tree = new MemoryTree<State>(compiled);
    const { shards } = tree.room;
    tree.room.shards = {
      introduce: async (shardId, boot) => {
        const { takesBinary: _, ...earlier } = (await shards.introduce(shardId, boot)) ?? {};
        return (isOldShard || isOldRoom ? earlier : { ...earlier, takesBinary: true }) as never;
      },
      deliver: (shardId, batch) => shards.deliver(shardId, batch),
    };
    tree.add("s0");
    const reader = join(tree, "s0", "ada");
    await tree.advance(1000);
    move(tree, 5);
    await tree.advance(1000);
    reader.read();
    expect(reader.state).toMatchObject({
      players: { [reader.publicId]: { x: tree.room.state.players()[reader.publicId]?.x() } },
    });
    return reader.socket.frames.map(isBinary);
  }

  it("is binary if both support it", async () => {
    expect(new Set(await spoken(false, false))).toEqual(new Set([true]));
  });

  it.each([
    ["an old shard with a new room", true, false],
    ["a new shard with an old room", false, true],
  ])("is JSON with %s", async (_, isOldShard, isOldRoom) => {
    expect(new Set(await spoken(isOldShard, isOldRoom))).toEqual(new Set([false]));
  });

  it("is JSON with numbers, if a room of an earlier version wakes with clients of a later one", async () => {
    const { tree, readers } = await grow(1, 1);
    const { shards } = tree.room;
    tree.room.shards = {
      ...shards,
      deliver: (shardId, batch) => {
        const items = batch.items.map((item) => {
          const { blocks: _, tables: __, binary: ___, ...earlier } = item as ToShard & Record<string, unknown>;
          return earlier;
        });
        return shards.deliver(shardId, { ...batch, items });
      },
    };
    move(tree, 5);
    await tree.advance(1000);
    const [ada] = readers as [Reader];
    expect(ada.news().map(isBinary)).toEqual([false]);
    expect(ada.state).toMatchObject({
      players: { [ada.publicId]: { x: tree.room.state.players()[ada.publicId]?.x() } },
    });
  });
});
