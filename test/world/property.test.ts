import fc from "fast-check";
import { expect, it } from "vitest";
import { BALANCINGS } from "../../src/world/balancing.ts";

import { hasSpace, loadOf } from "../../src/world/state.ts";
import { TestWorld } from "./support.ts";

type Step =
  | { kind: "connect"; count: number }
  | { kind: "arrive" | "leave" | "report" | "drain" | "fail"; pick: number }
  | { kind: "scale"; target: number }
  | { kind: "wait"; ms: number }
  | { kind: "evict" | "crash" };

const pick = fc.nat({ max: 1000 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ kind: fc.constant("connect" as const), count: fc.integer({ min: 1, max: 8 }) }),
  },
  { weight: 12, arbitrary: fc.record({ kind: fc.constantFrom("arrive" as const, "leave" as const), pick }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("report" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("drain" as const, "fail" as const), pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("scale" as const), target: fc.nat({ max: 5 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      ms: fc.constantFrom(500, 9000, 31_000, 120_000, 400_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("evict" as const, "crash" as const) }) },
);

const CAPACITY = 4;
const ROOM = "game-1";

/** The real state of a shard, which accepts clients whose place is still reserved. */
class RealShard {
  connections = 0;
  arrivals = 0;
  expected: { until: number }[] = [];
}

class Model {
  readonly world = new TestWorld({ shardCapacity: CAPACITY, maxShards: 4, roomIdle: 180_000 });
  readonly real = new Map<string, RealShard>();
  readonly countsArrivals: boolean;
  given = 0;
  refused = 0;

  constructor(countsArrivals: boolean) {
    this.countsArrivals = countsArrivals;
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case "connect":
        await Promise.all(Array.from({ length: step.count }, () => this.connect()));
        return;
      case "arrive":
        return this.arrive(step.pick);
      case "leave": {
        const shard = this.pick(step.pick, ([, real]) => real.connections > 0)?.[1];
        if (shard) shard.connections--;
        return;
      }
      case "report": {
        const found = this.pick(step.pick);
        if (found) await this.report(found[0]);
        return;
      }
      case "drain": {
        const found = this.pick(step.pick);
        if (found) await this.report(found[0], "draining");
        return;
      }
      case "scale":
        await this.world.scale({ roomId: ROOM, targetShardCount: step.target });
        return;
      case "fail":
        this.world.host.onCall = () => Promise.reject(new Error("away"));
        await this.connect();
        this.world.host.onCall = () => {};
        return;
      case "wait":
        // Shards report every second, so all of them report before time passes.
        for (const id of this.real.keys()) await this.report(id);
        return this.world.room.advance(step.ms);
      case "evict":
        return this.world.evict();
      case "crash":
        return this.world.crash();
    }
  }

  async connect(): Promise<void> {
    const { status, body } = await this.world.connect(ROOM);
    if (status !== 200) {
      expect([404, 503]).toContain(status);
      this.refused++;
      return;
    }
    this.given++;
    const id = body["shardId"] as string;
    // The shard is neither removed nor draining.
    expect(this.world.shard(id).info().status).toBe("active");
    expect(this.world.host.retired).not.toContain(id);
    const real = this.real.get(id) ?? new RealShard();
    real.expected.push({ until: this.world.now + 30_000 });
    this.real.set(id, real);
  }

  async arrive(index: number): Promise<void> {
    const { now } = this.world;
    const found = this.pick(index, ([, real]) => real.expected.some(({ until }) => until > now));
    if (!found) return;
    const [id, real] = found;
    real.expected = real.expected.filter(({ until }) => until > now).slice(1);
    real.connections++;
    real.arrivals++;
    // A shard that does not count arrivals has to report each of them before the next client leaves.
    if (!this.countsArrivals) await this.report(id);
  }

  async report(id: string, status?: string): Promise<void> {
    const { connections, arrivals } = this.real.get(id) as RealShard;
    const answer = await this.world.report(id, connections, { status, ...(this.countsArrivals && { arrivals }) });
    // The World has dropped this shard, which therefore closes its clients.
    if (answer.status === 404) this.real.delete(id);
    else expect(answer.status).toBe(200);
  }

  pick(index: number, filter: (entry: [string, RealShard]) => boolean = () => true): [string, RealShard] | undefined {
    const entries = [...this.real].filter(filter);
    return entries[index % entries.length];
  }

  check(): void {
    const { shards, now } = this.world;
    for (const shard of shards) {
      const load = loadOf(shard, now);
      expect(load).toBeLessThanOrEqual(CAPACITY);
      expect(hasSpace(shard, now)).toBe(shard.info().status === "active" && load < CAPACITY);
      expect(shard.info().roomId).toBe(ROOM);
    }
    for (const real of this.real.values()) expect(real.connections).toBeLessThanOrEqual(CAPACITY);
    expect(shards.filter((shard) => shard.info().status === "active").length).toBeLessThanOrEqual(4);
  }
}

for (const balancingStrategy of BALANCINGS) {
  it(`no shard gets more clients than its capacity, or any once it drains, whatever happens (${balancingStrategy})`, async () => {
    const error = console.error;
    console.error = () => {};
    let given = 0;
    let refused = 0;
    await fc
      .assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 10, maxLength: 50 }),
          fc.boolean(),
          async (steps, countsArrivals) => {
            const model = new Model(countsArrivals);
            const registration = {
              name: ROOM,
              balancingStrategy,
              minShards: 1,
              maxShards: 4,
              maxPlayersPerShard: CAPACITY,
            };
            await model.world.register(registration);
            for (const next of steps) {
              await model.take(next);
              model.check();
            }
            expect(model.world.room.log).toEqual([]);
            given += model.given;
            refused += model.refused;
          },
        ),
        { numRuns: 100 },
      )
      .finally(() => (console.error = error));
    // Both must have happened often, or the test would prove nothing.
    expect(given).toBeGreaterThan(1000);
    expect(refused).toBeGreaterThan(150);
  });
}
