import { signal } from "@signe/reactive";
import fc from "fast-check";
import { expect, it } from "vitest";
import * as z from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { collection, sync } from "../../src/state/fields.ts";
import type { ListingReport } from "../../src/room/listing/report.ts";
import { FaultyRoom, QUOTA } from "../support/faults.ts";
import type { MemorySocket } from "../support/memory.ts";

type Step =
  | { kind: "come" | "go" | "act" | "list" | "manual"; who: number }
  | { kind: "later"; who: number; name: number; in: number }
  | { kind: "wait"; ms: number }
  | { kind: "fail"; what: "storage" | "alarm" | "both"; calls: number }
  | { kind: "mend" | "sleep" };

const who = fc.nat({ max: 2 });
const one = <K extends string>(...kinds: K[]) => fc.record({ kind: fc.constantFrom(...kinds), who });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: one("come", "go") },
  { weight: 8, arbitrary: one("act") },
  { weight: 2, arbitrary: one("list", "manual") },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("later" as const),
      who,
      name: fc.nat({ max: 2 }),
      in: fc.integer({ min: 100, max: 40_000 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(1, 20, 1500, 10_000, 70_000) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("fail" as const),
      what: fc.constantFrom("storage" as const, "alarm" as const, "both" as const),
      calls: fc.constantFrom(1, 2, 5, Infinity),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("mend" as const, "sleep" as const) }) },
);

const EXPIRY = 100_000;
class Player {
  done = sync(signal<string[]>([]));
}
const makeState = () => ({
  players: users(Player),
  things: collection(() => ({ by: sync(signal("")) })),
  done: sync(signal<string[]>([])),
  ran: sync(signal<string[]>([])),
});
type State = ReturnType<typeof makeState>;
const note = ({ ran }: State, payload: unknown) => ran.update((before) => [...before, payload as string]);

const definition = (throttleStorage: number) =>
  defineRoom({
    path: "r",
    throttleSync: 0,
    throttleStorage,
    sessionExpiryTime: EXPIRY,
    state: makeState,
    actions: {
      act: {
        input: z.string(),
        run({ state, user }, id) {
          state.done.update((done) => [...done, id]);
          state.things()[id] = { by: sync(signal(id)) };
          user.done.update((done) => [...done, id]);
        },
      },
      list: { input: z.string(), run: ({ room }, name) => room.setListing({ name }) },
      manual: { run: ({ room }) => void (room.autoSync = !room.autoSync) },
      later: {
        input: z.object({ name: z.number(), in: z.number(), payload: z.string() }),
        run: ({ room }, { name, in: delay, payload }) => room.schedule(`s${name}` as "s0", delay, payload),
      },
    },
    schedules: {
      s0: { run: ({ state }, payload) => note(state, payload) },
      s1: { run: ({ state }, payload) => note(state, payload) },
      s2: { run: ({ state }, payload) => note(state, payload) },
    },
  });
/** A room, and what it has acknowledged to its clients. */
class Run {
  readonly room: FaultyRoom<State>;
  readonly online = new Map<number, MemorySocket>();
  readonly told: (ListingReport | null)[] = [];
  /** The ids of acknowledged actions, and the last schedule by name, unless setting it may have failed. */
  readonly acked = new Set<string>();
  readonly planned = new Map<number, string | undefined>();
  listed: string | undefined;
  /** The number of steps after which there was a journal. */
  journals = 0;
  #messages = 0;

  constructor(throttleStorage: number) {
    this.room = new FaultyRoom<State>(definition(throttleStorage).compiled);
    this.room.worlds = {
      report: async (_world, _place, report) => {
        this.told.push(report);
        return undefined;
      },
    };
  }

  async take(step: Step): Promise<void> {
    const { room } = this;
    if (room.storage.raw.has("$version")) this.journals++;
    switch (step.kind) {
      case "come": {
        if (this.online.has(step.who)) return;
        const socket = await room
          .connect(`user-${step.who}`, null, undefined, `protocol=${1 + (step.who % 2)}`)
          .catch(() => undefined);
        if (socket?.isOpen) this.online.set(step.who, socket);
        return;
      }
      case "go": {
        const socket = this.online.get(step.who);
        this.online.delete(step.who);
        if (socket) room.disconnect(socket);
        return;
      }
      case "wait":
        return this.#pass(step.ms);
      case "fail":
        if (step.what !== "alarm") room.faults.storage = step.calls;
        if (step.what !== "storage") room.faults.alarm = step.calls;
        return;
      case "mend":
        return room.faults.end();
      case "sleep":
        if (!room.isIdle) return;
        return room.evict().catch((error: unknown) => {
          // The storage cannot be read now. The platform starts the object again at the next event.
          expect(String(error)).toContain(QUOTA);
          room.faults.end();
          room.start();
        });
      default:
        return this.#act(step);
    }
  }

  async #act(step: Extract<Step, { who: number }>): Promise<void> {
    const id = `m${this.#messages++}`;
    if (step.kind === "act" && (await this.#send(step.who, "act", id))) this.acked.add(id);
    if (step.kind === "list" && (await this.#send(step.who, "list", id))) this.listed = id;
    if (step.kind === "manual") await this.#send(step.who, "manual");
    if (step.kind !== "later" || !this.online.has(step.who)) return;
    const { name } = step;
    const isSet = await this.#send(step.who, "later", { name, in: step.in, payload: id });
    if (isSet) this.planned.set(name, id);
  }

  /** @returns whether the room acknowledged it */
  async #send(by: number, action: string, value?: unknown): Promise<boolean> {
    const socket = this.online.get(by);
    if (!socket) return false;
    const id = `${action}-${this.#messages++}`;
    await this.room.core.message(socket, JSON.stringify({ action, value, id }));
    return socket.texts.some((text) => text.includes(`"ack"`) && text.includes(`"${id}"`));
  }

  /** Ends all faults, and lets some minutes pass. */
  async settle(): Promise<void> {
    this.room.faults.end();
    await this.#pass(EXPIRY + 120_000);
  }

  /** Advances in small steps, because a timer may set an alarm that rings at once. */
  async #pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1000) await this.room.advance(Math.min(left, 1000));
  }

  check(): void {
    const { room } = this;
    expect(this.told.at(-1)?.metadata).toBe(this.listed && JSON.stringify({ name: this.listed }));
    expect(room.core.handle.schedules).toEqual([]);
    // All sessions of disconnected users have expired.
    const offline = [...room.storage.rows].filter(
      ([key, row]) => key.startsWith("$session:") && (row as { offlineSince?: number }).offlineSince !== undefined,
    );
    expect(offline).toEqual([]);
    room.crash();
    const state = room.state;
    expect(state.done()).toEqual(expect.arrayContaining([...this.acked]));
    expect(Object.keys(state.things())).toEqual(expect.arrayContaining([...this.acked]));
    expect(state.ran()).toEqual(expect.arrayContaining([...this.planned.values()]));
  }
}

it("if any call of the platform fails, acknowledged changes are stored in the end, and every alarm rings", async () => {
  let failed = 0;
  let acked = 0;
  let journals = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 40 }),
      fc.constantFrom(0, 1000),
      async (steps, throttleStorage) => {
        const run = new Run(throttleStorage);
        await run.take({ kind: "come", who: 0 });
        for (const each of steps) await run.take(each);
        await run.settle();
        run.check();
        failed += run.room.faults.count;
        acked += run.acked.size;
        journals += run.journals;
      },
    ),
    { numRuns: 500 },
  );
  expect(failed).toBeGreaterThan(100);
  expect(acked).toBeGreaterThan(100);
  expect(journals).toBeGreaterThan(100);
});
