import { signal } from "@signe/reactive";
import fc from "fast-check";
import { expect, it, vi } from "vitest";
import * as z from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { connected, sync } from "../../src/state/fields.ts";
import type { ShardHost } from "../../src/world/hosts.ts";
import type { MemorySocket } from "../support/memory.ts";
import { MemoryTree } from "../support/memory-shards.ts";
import type { Fate, MemoryShard } from "../support/memory-shards.ts";
import { TestWorld } from "./support.ts";

const PLAYERS = 10;
const CAPACITY = 4;
/** The virtual time under load, in ms. */
const LOAD = 60_000;
const STEP = 200;

const stateOf = () => ({
  done: sync(signal<string[]>([])),
  players: users(
    class Player {
      online = connected();
      score = sync(signal(0));
    },
  ),
});
type State = ReturnType<typeof stateOf>;
const definition = defineRoom({
  path: "{id}",
  throttleStorage: 0,
  rateLimit: { messages: 1000, per: 1000 },
  state: stateOf,
  actions: {
    act: {
      input: z.string(),
      run({ state, user }, id) {
        user.score.update((score) => score + 1);
        state.done().push(id);
      },
    },
  },
});

/** A client that acts all the time, and reconnects through the World when its socket closes. */
class Player {
  readonly #id: number;
  readonly #city: City;
  socket: MemorySocket | undefined;
  readonly acked = new Set<string>();
  #shard: MemoryShard | undefined;
  #read = 0;
  #acts = 0;
  #isComing = false;

  constructor(city: City, id: number) {
    this.#city = city;
    this.#id = id;
  }

  live(): void {
    this.#readTexts();
    if (this.socket?.isOpen) {
      const id = `${this.#id}-${this.#acts++}`;
      this.#shard?.send(this.socket, { action: "act", value: id, id });
    } else if (!this.#isComing) {
      this.#isComing = true;
      void this.#come().finally(() => (this.#isComing = false));
    }
  }

  /** Connects through the World. If the World or the shard is dead or full, it tries again later. */
  async #come(): Promise<void> {
    try {
      const shardId = await this.#city.enter();
      this.#shard = this.#city.tree.shards.get(shardId);
      this.#read = 0;
      this.socket = this.#shard?.connect(`session-${this.#id}`);
    } catch {
      this.socket = undefined;
    }
  }

  #readTexts(): void {
    const texts = this.socket?.texts ?? [];
    for (const text of texts.slice(this.#read)) {
      const { type, value } = JSON.parse(text) as { type: string; value: { id: string } };
      if (type === "ack") this.acked.add(value.id);
    }
    this.#read = texts.length;
  }
}

/** A room, its shards, their World, and players who reconnect until they succeed. */
class City {
  readonly tree = new MemoryTree<State>(definition.compiled);
  readonly world: TestWorld;
  readonly players = Array.from({ length: PLAYERS }, (_, id) => new Player(this, id));

  constructor() {
    const { tree } = this;
    const always = () => true;
    const host: ShardHost = {
      assign: (assignment) =>
        tree.call(always, async () => {
          const shard = tree.shards.get(assignment.shardId) ?? tree.add(assignment.shardId, assignment.capacity);
          shard.core.assign(assignment);
        }),
      retire: (shardId) => tree.call(always, async () => tree.shards.get(shardId)?.core.retire()),
    };
    this.world = new TestWorld({ shardCapacity: CAPACITY }, [definition], { clock: tree.clock, host });
    tree.others.push(this.world.room);
    tree.report = async ({ shardId }, { connections, arrivals }) => {
      const { status } = await this.world.room.during(() => this.world.report(shardId, connections, { arrivals }));
      return status !== 404;
    };
  }

  enter(): Promise<string> {
    return this.tree.call(
      () => true,
      () => this.world.room.during(() => this.world.enter("r")),
    );
  }

  async live(): Promise<void> {
    for (const player of this.players) player.live();
    await this.tree.advance(STEP);
    for (const [shardId, shard] of this.tree.shards) {
      const open = shard.sockets.filter((socket) => socket.isOpen);
      expect(open.length, `capacity of ${shardId}`).toBeLessThanOrEqual(CAPACITY);
    }
  }
}

it("P9: room, shards and World crash at random for a minute: all players reconnect, and nothing is lost or done twice", async () => {
  // The World logs the objects that it could not reach.
  vi.spyOn(console, "error").mockImplementation(() => {});
  let acks = 0;
  const deaths = { room: 0, shard: 0, world: 0 };
  const chance = fc.noBias(fc.nat({ max: 999_999 })).map((part) => part / 1_000_000);
  await fc.assert(
    fc.asyncProperty(fc.infiniteStream(chance), fc.nat({ max: 20 }), async (chances, lag) => {
      const next = () => chances.next().value;
      const fates: Fate[] = ["lost", "answer lost", "twice"];
      const city = new City();
      const { tree, world } = city;
      tree.delay = () => Math.floor(next() * lag);
      tree.fate = () => (next() < 0.03 ? (fates[Math.floor(next() * fates.length)] ?? "fine") : "fine");
      for (let time = 0; time < LOAD; time += STEP) {
        const event = next();
        if (event < 0.04) {
          deaths.room++;
          tree.room.crash();
        } else if (event < 0.12) {
          const shards = [...tree.shards.values()];
          shards[Math.floor(next() * shards.length)]?.crash();
          deaths.shard++;
        } else if (event < 0.16) {
          deaths.world++;
          world.crash();
        }
        await city.live();
      }
      tree.fate = () => "fine";
      for (let time = 0; time < 120_000 && city.players.some(({ socket }) => !socket?.isOpen); time += STEP)
        await city.live();
      await tree.advance(70_000);
      for (const player of city.players) player.live();
      await tree.advance(5000);

      const done = [...tree.room.state.done()];
      expect(new Set(done).size, "nothing is done twice").toBe(done.length);
      const players = Object.values(tree.room.state.players());
      expect(players.map((player) => player.online())).toEqual(Array.from({ length: PLAYERS }, () => true));
      for (const { socket, acked } of city.players) {
        acks += acked.size;
        for (const id of acked) expect(done, "an acknowledged action is never lost").toContain(id);
        const seen = socket?.clients[0]?.state as { done: string[]; players: object };
        expect(seen.done).toEqual(done);
        expect(Object.keys(seen.players)).toHaveLength(PLAYERS);
      }
    }),
    { numRuns: 1 },
  );
  expect(acks).toBeGreaterThan(500);
  for (const count of Object.values(deaths)) expect(count).toBeGreaterThan(2);
});
