import fc from "fast-check";
import { expect, it } from "vitest";
import { RESERVATION_LIFE } from "../../src/world/settings.ts";
import { TestWorld } from "./support.ts";

const MODES = ["duel", "ffa"] as const;
type Mode = (typeof MODES)[number];
/** The longest time that a client may take to reach the room to which it was sent, in ms. */
const ON_THE_WAY = RESERVATION_LIFE - 1;

type Step =
  | { kind: "find"; mode: Mode; create: boolean; count: number }
  | { kind: "arrive" | "leave" | "lock" | "stranger" | "vanish"; pick: number }
  | { kind: "wait"; ms: number }
  | { kind: "evict" | "crash" };

const pick = fc.nat({ max: 1000 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("find" as const),
      mode: fc.constantFrom(...MODES),
      create: fc.boolean(),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 12, arbitrary: fc.record({ kind: fc.constantFrom("arrive" as const, "leave" as const), pick }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom("lock" as const, "stranger" as const, "vanish" as const), pick }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(500, 31_000, 70_000, 400_000) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("evict" as const, "crash" as const) }) },
);

/** The real state of a room. */
interface RealRoom {
  readonly mode: Mode;
  readonly maxUsers: number;
  users: number;
  locked: boolean;
  /** Whether it died or was removed from the list without the World being told. */
  isGone: boolean;
  /** The times by which the clients arrive that were sent there. */
  readonly expected: number[];
}

class Model {
  readonly world = new TestWorld({ roomIdle: 300_000 });
  readonly real = new Map<string, RealRoom>();
  given = 0;
  refused = 0;

  constructor() {
    this.world.rooms.onAsk = (id) => {
      if (!this.real.has(id))
        this.real.set(id, { mode: "duel", maxUsers: 3, users: 0, locked: false, isGone: false, expected: [] });
      this.answer(id);
    };
  }

  /** Updates what the room answers when the World asks it. */
  answer(id: string): void {
    const room = this.real.get(id) as RealRoom;
    const { users, maxUsers, locked } = room;
    const metadata = JSON.stringify({ mode: room.mode });
    const report = { party: "main", roomId: id, path: "game-{id}", metadata, locked, users, maxUsers };
    if (room.isGone) this.world.rooms.reports.delete(id);
    else this.world.rooms.reports.set(id, report);
  }

  async tell(id: string): Promise<void> {
    this.answer(id);
    await this.world.tellRoom(id);
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case "find":
        await Promise.all(Array.from({ length: step.count }, () => this.find(step.mode, step.create)));
        return;
      case "arrive": {
        const { now } = this.world;
        const found = this.pick(step.pick, (room) => room.expected.some((end) => end > now));
        if (!found) return;
        const [id, room] = found;
        room.expected.splice(0, room.expected.findIndex((end) => end > now) + 1);
        // The World reserved a place for this client.
        expect(room.users).toBeLessThan(room.maxUsers);
        room.users++;
        await this.tell(id);
        return;
      }
      case "leave": {
        const found = this.pick(step.pick, (room) => room.users > 0);
        if (!found) return;
        found[1].users--;
        await this.tell(found[0]);
        return;
      }
      case "lock": {
        const found = this.pick(step.pick);
        if (!found) return;
        found[1].locked = !found[1].locked;
        await this.tell(found[0]);
        return;
      }
      case "stranger": {
        // Either a user who knew the id joins a room to which nobody was sent, or a new room lists itself.
        const id = `game-${step.pick % 5}`;
        const room = this.real.get(id);
        if (!room) {
          const mode = MODES[step.pick % 2] as Mode;
          this.real.set(id, { mode, maxUsers: 3, users: 1, locked: false, isGone: false, expected: [] });
        } else if (room.expected.length === 0 && room.users < room.maxUsers) room.users++;
        await this.tell(id);
        return;
      }
      case "vanish": {
        const found = this.pick(step.pick);
        if (!found) return;
        found[1].isGone = true;
        found[1].users = 0;
        found[1].expected.length = 0;
        this.answer(found[0]);
        // After this time, no client is on its way to the room.
        return this.world.room.advance(60_000);
      }
      case "wait":
        return this.world.room.advance(step.ms);
      case "evict":
        return this.world.evict();
      case "crash":
        return this.world.crash();
    }
  }

  async find(mode: Mode, create: boolean): Promise<void> {
    const { status, body } = await this.world.find({ filter: { mode }, create: create && mode === "duel" });
    if (status !== 200) {
      expect(status).toBe(404);
      // A client may only be refused if the World knows of no free place.
      expect(this.hasSurePlace(mode)).toBe(false);
      this.refused++;
      return;
    }
    this.given++;
    const room = this.real.get(body["roomId"] as string) as RealRoom;
    expect(room).toMatchObject({ mode, locked: false, isGone: false });
    room.expected.push(this.world.now + ON_THE_WAY);
    const { now } = this.world;
    expect(room.users + room.expected.filter((end) => end > now).length).toBeLessThanOrEqual(room.maxUsers);
  }

  /** Whether a room has a free place even if all clients arrive that were sent there and still may come. */
  hasSurePlace(mode: Mode): boolean {
    const { now } = this.world;
    const listed = new Set(Object.values(this.world.room.state.listings()).map((entry) => entry.info().roomId));
    return [...this.real].some(([id, room]) => {
      const waiting = room.expected.filter((end) => end + 1 > now).length;
      return (
        listed.has(id) && !room.isGone && !room.locked && room.mode === mode && room.users + waiting < room.maxUsers
      );
    });
  }

  pick(index: number, filter: (room: RealRoom) => boolean = () => true): [string, RealRoom] | undefined {
    const entries = [...this.real].filter(([, room]) => !room.isGone && filter(room));
    return entries[index % entries.length];
  }
}

it("P10: no room gets more users than it allows, no removed room is found, and no user is refused without a reason", async () => {
  let given = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
      const model = new Model();
      for (const next of steps) await model.take(next);
      expect(model.world.room.log).toEqual([]);
      given += model.given;
      refused += model.refused;
    }),
    { numRuns: 400 },
  );
  // Both must have happened often, or the test would prove nothing.
  expect(given).toBeGreaterThan(1000);
  expect(refused).toBeGreaterThan(300);
});
