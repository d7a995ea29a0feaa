import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import {
  checkView,
  crowdState,
  crowdStep,
  LENGTH,
  perform,
  Secrecy,
  USERS_SEEN,
  Watcher,
} from "../room/sync/crowd-world.ts";
import type { CrowdState, Step, UsersSeen } from "../room/sync/crowd-world.ts";
import { MemoryTree } from "../support/memory-shards.ts";
import type { MemoryShard } from "../support/memory-shards.ts";
import { withSeed } from "../support/seeded-crypto.ts";

/** Faults of the objects. */
type Fault =
  | { readonly kind: "shard sleeps" | "shard crashes"; readonly shard: number }
  | { readonly kind: "room sleeps" };
const fault = fc.oneof<fc.MaybeWeightedArbitrary<Fault>[]>(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("shard sleeps" as const), shard: fc.nat({ max: 2 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("shard crashes" as const), shard: fc.nat({ max: 2 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "room sleeps" as const }) },
);
const event = fc.oneof(
  { weight: 10, arbitrary: crowdStep.filter(({ kind }) => kind !== "evict") },
  { weight: 1, arbitrary: fault },
);

/** The protocols of the clients. The last client sees everything. The shard of the fourth one only knows JSON. */
const PROTOCOLS = [3, 1, 2, 3, 3] as const;

/** Clients of all protocols at three shards, one of which has an earlier version, and one perhaps a later version. */
class Crowd {
  readonly tree: MemoryTree<CrowdState>;
  readonly watchers = [0, 1, 2, 3, 4].map((index) => new Watcher(`s${index}`, index === 4, PROTOCOLS[index]));
  readonly #shards: MemoryShard[];

  /** @param takesRings whether a shard itself decides what its clients see with rings or as the nearest entries */
  constructor(throttleSync: number, seen: UsersSeen, takesRings: boolean) {
    this.tree = new MemoryTree<CrowdState>(
      defineRoom({ path: "r", throttleSync, state: () => crowdState(seen) }).compiled,
    );
    const { shards } = this.tree.room;
    this.tree.room.shards = {
      ...shards,
      introduce: async (shardId, boot) => {
        const introduction = await shards.introduce(shardId, boot);
        const earlier = { s0: {}, s1: { takesRings }, s2: { takesSights: false, takesBinary: false } }[shardId];
        return introduction && { ...introduction, ...earlier };
      },
    };
    this.#shards = ["s0", "s1", "s2"].map((name) => this.tree.add(name));
  }

  #shardOf(watcher: Watcher): MemoryShard {
    return this.#shards[[0, 0, 1, 2, 1][this.watchers.indexOf(watcher)] as number] as MemoryShard;
  }

  come(watcher: Watcher): void {
    if (watcher.socket?.isOpen) return;
    watcher.connected(this.#shardOf(watcher).connect(watcher.session, watcher.auth, watcher.query));
  }

  async happen(event: Step | Fault): Promise<void> {
    const { room } = this.tree;
    const watcher = "who" in event ? (this.watchers[event.who] as Watcher) : undefined;
    const shard = "shard" in event ? (this.#shards[event.shard] as MemoryShard) : undefined;
    switch (event.kind) {
      case "crash":
        return room.crash();
      case "room sleeps":
        await this.#untilIdle(() => room.core.parts.shardLinks.isAcknowledged && room.isIdle);
        return room.evict();
      case "shard sleeps":
        await this.#untilIdle(() => shard?.isIdle === true && room.core.parts.shardLinks.isAcknowledged);
        return shard?.evict();
      case "shard crashes":
        return shard?.crash();
      case "come":
        return this.come(watcher as Watcher);
      case "go":
        if (watcher?.socket?.isOpen) this.#shardOf(watcher).disconnect(watcher.socket);
        return undefined;
      default:
        if (!room.core.started) perform(room, event, (index) => this.#playerOf(index));
    }
  }

  #playerOf(index: number) {
    return this.tree.room.state.players()[this.watchers[index]?.client.publicId ?? ""];
  }

  async #untilIdle(isIdle: () => boolean): Promise<void> {
    for (let tries = 0; !isIdle() && tries < 100; tries++) await this.tree.advance(500);
  }
}

/** A history of a room and its shards, and all that decides what happens in it. */
const history = fc.record({
  events: fc.array(event, { minLength: 5, maxLength: LENGTH.steps ?? 40 }),
  throttleSync: fc.constantFrom(0, 50),
  seen: fc.constantFrom(...(Object.keys(USERS_SEEN) as UsersSeen[])),
  takesRings: fc.boolean(),
  seed: fc.nat(),
});
type History = typeof history extends fc.Arbitrary<infer T> ? T : never;

/** Runs a history. @returns the clients, after everything was sent */
async function live({ events, throttleSync, seen, takesRings }: History, secrecy: Secrecy) {
  const crowd = new Crowd(throttleSync, seen, takesRings);
  const { tree, watchers } = crowd;
  for (const watcher of watchers.slice(0, 4)) crowd.come(watcher);
  await tree.advance(500);
  for (const next of events) {
    const { autoSync, pendingSync } = tree.room.core.handle;
    secrecy.before(tree.room.state, watchers, seen, !autoSync && pendingSync);
    await crowd.happen(next);
    // With a window, several changes are sent together.
    if (throttleSync > 0 && next.kind === "walk") continue;
    await tree.advance(300);
    if (throttleSync === 0) secrecy.after(tree.room.state, watchers, seen, next.kind);
  }
  await tree.advance(5000);
  tree.room.change(({ count }) => {
    tree.room.core.handle.autoSync = true;
    count.update((value) => value + 1);
  });
  await tree.advance(5000);
  for (const watcher of watchers) {
    if (!watcher.socket?.isOpen) continue;
    watcher.read();
    checkView(tree.room.state, watcher, seen);
  }
  return watchers;
}

describe("P4.15, P9.10: clients of shards", () => {
  it(
    "each has what it may see, and gets nothing else, whatever happens to the objects",
    async () => {
      const secrecy = new Secrecy();
      await fc.assert(
        fc.asyncProperty(history, (one) => withSeed(one.seed, async () => void (await live(one, secrecy)))),
        { numRuns: 40, ...LENGTH.runs },
      );
      expect(secrecy.tells).toBeGreaterThan(LENGTH.runs.path ? 0 : 300);
      expect(secrecy.hidden).toBeGreaterThan(LENGTH.runs.path ? 0 : 300);
    },
    LENGTH.timeout,
  );

  it("a history can be repeated: the same one gives the same frames", async () => {
    const framesOf = (one: History) =>
      withSeed(one.seed, async () => (await live(one, new Secrecy())).map(({ socket }) => socket?.frames));
    await fc.assert(
      fc.asyncProperty(history, async (one) => {
        expect(await framesOf(one)).toEqual(await framesOf(one));
      }),
      { numRuns: 3 },
    );
  });
});
