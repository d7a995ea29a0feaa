import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { applyPatch } from "../../src/protocol/apply-patch.ts";
import type { ToShard } from "../../src/relay/messages.ts";
import { gameState } from "../support/game-state.ts";
import type { GameState } from "../support/game-state.ts";
import { MemoryTree } from "../support/memory-shards.ts";
import type { MemorySocket } from "../support/memory.ts";
import { anyMutation } from "../support/mutations.ts";

interface Packet {
  readonly type: string;
  readonly value?: unknown;
}
type How = "as it is" | "another" | "late";

const QUERIES = { json: "protocol=2", binary: "protocol=2&protocol=3" } as const;

/** A room whose interceptor sees each packet, and a user with one client of each protocol at a shard. */
function treeOf(how: How, isEarlier = false) {
  let count = 0;
  const interceptorPacket = (_: unknown, packet: Packet) => {
    if (how === "another") return { ...packet, value: { ...(packet.value as object), seen: true } };
    return how === "late" && ++count % 2 === 0 ? Promise.resolve(packet) : packet;
  };
  const definition = defineRoom({ path: "r", throttleSync: 0, state: () => gameState(), interceptorPacket } as never);
  const tree = new MemoryTree<GameState>(definition.compiled);
  const { shards } = tree.room;
  const told: ToShard[] = [];
  tree.room.shards = {
    introduce: async (shardId, boot) => {
      const introduction = await shards.introduce(shardId, boot);
      return introduction && { ...introduction, takesFrames: !isEarlier };
    },
    deliver: (shardId, batch) => (told.push(...batch.items), shards.deliver(shardId, batch)),
  };
  const shard = tree.add("s");
  const connect = (name: keyof typeof QUERIES) => shard.connect("ada", { gm: true }, QUERIES[name]);
  return { tree, shard, told, sockets: { json: connect("json"), binary: connect("binary") } };
}

/** The state of a client of protocol 2. `load` of `@signe/sync` cannot read all of its packets. */
function stateOf({ texts }: MemorySocket): Readonly<Record<string, unknown>> {
  let state: Readonly<Record<string, unknown>> = {};
  for (const text of texts) {
    const { type, reset, clear, value } = JSON.parse(text) as Record<string, Record<string, unknown>>;
    if (type !== ("sync" as never)) continue;
    const { pId, ...patch } = value ?? {};
    const before = pId !== undefined || reset ? {} : state;
    state = applyPatch(clear ? applyPatch(before, clear) : before, patch);
  }
  return state;
}

const binaryIn = ({ frames }: MemorySocket) => frames.filter((frame) => typeof frame !== "string").length;

type Event =
  | { readonly kind: "turn"; readonly mutations: readonly { run(state: GameState): void }[] }
  | { readonly kind: "room sleeps" | "room crashes" | "shard sleeps" };
const event = fc.oneof<fc.MaybeWeightedArbitrary<Event>[]>(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("turn" as const),
      mutations: fc.array(anyMutation, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom("room sleeps" as const, "room crashes", "shard sleeps") }),
  },
);

describe("P4.10, P13.9: with an interceptor, clients of protocol 3 at shards", () => {
  it("have the same state as clients of JSON, whatever happens to the objects", async () => {
    let binary = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { minLength: 1, maxLength: 20 }),
        fc.constantFrom<How>("as it is", "another", "late"),
        async (events, how) => {
          const { tree, shard, sockets } = treeOf(how);
          const { room } = tree;
          await tree.advance(1000);
          for (const next of events) {
            if (next.kind === "turn") room.change((state) => next.mutations.forEach((mutation) => mutation.run(state)));
            else if (next.kind === "room crashes") room.crash();
            else {
              for (
                let tries = 0;
                !(room.core.parts.shardLinks.isAcknowledged && room.isIdle && shard.isIdle) && tries < 100;
                tries++
              )
                await tree.advance(500);
              if (next.kind === "room sleeps") await room.evict();
              else shard.evict();
            }
            await tree.advance(5000);
          }
          expect(sockets.binary.malformed).toEqual([]);
          expect(stateOf(sockets.binary)).toEqual(stateOf(sockets.json));
          expect(binaryIn(sockets.json)).toBe(0);
          binary += binaryIn(sockets.binary);
        },
      ),
      { numRuns: 60 },
    );
    expect(binary).toBeGreaterThan(200);
  });

  it.each([
    ["an earlier one", true],
    ["this one", false],
  ])("are sent what their shard takes, if it is of %s", async (_, isEarlier) => {
    const { tree, told, sockets } = treeOf("as it is", isEarlier);
    await tree.advance(1000);
    tree.room.change(({ count }) => count.set(7));
    await tree.advance(1000);
    expect(sockets.binary.malformed).toEqual([]);
    expect(stateOf(sockets.binary)).toEqual(stateOf(sockets.json));
    expect(binaryIn(sockets.binary)).toBe(isEarlier ? 0 : 2);
    // The frame replaces the text.
    const frames = told.flatMap((item) => (item.kind === "mail" && item.frame ? [item] : []));
    expect(frames.map(({ text }) => text)).toEqual(isEarlier ? [] : ["", ""]);
  });

  it.each(["json", "binary"] as const)(
    "P14.10: have no wrong state after they did not read for long (%s)",
    async (name) => {
      const { tree, sockets } = treeOf("as it is");
      const socket = sockets[name];
      await tree.advance(1000);
      socket.stall();
      for (let turn = 1; turn <= 150; turn++) {
        tree.room.change(({ title, scores, count }) => {
          if (turn === 120) scores.set([1, 2, 3]);
          count.set(turn);
          title.set(`${turn}`.padEnd(20_000, "."));
        });
        await tree.advance(20);
      }
      socket.read();
      await tree.advance(5000);
      // A client that missed something is closed, so that it reconnects and gets the whole state.
      if (socket.isOpen) expect(stateOf(socket)).toMatchObject({ count: 150, scores: [1, 2, 3] });
      else expect(socket.closedWith?.code).toBe(4504);
    },
  );

  it("get no frames of a room that crashed", async () => {
    const { tree, sockets } = treeOf("as it is");
    await tree.advance(1000);
    const { length } = sockets.binary.frames;
    tree.fate = () => "lost";
    tree.room.change(({ count }) => count.set(7));
    await tree.advance(100);
    tree.room.crash();
    tree.fate = () => "fine";
    await tree.advance(20_000);
    tree.room.change(({ count }) => count.set(8));
    await tree.advance(1000);
    expect(sockets.binary.malformed).toEqual([]);
    expect(sockets.binary.frames.length).toBe(length + 2);
    expect(stateOf(sockets.binary)).toEqual(stateOf(sockets.json));
    expect(stateOf(sockets.binary)).toMatchObject({ count: 8 });
  });
});
