import { signal } from "@signe/reactive";
import fc from "fast-check";
import { expect, it } from "vitest";
import * as z from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import type { Claims } from "../../src/define/types.ts";
import { sync } from "../../src/state/fields.ts";
import { expectedView, withoutEmpty } from "../../src/testing/expected-view.ts";
import { Faults, QUOTA } from "../support/faults.ts";
import { ResumingClient } from "../room/sync/resuming-client.ts";
import { gameState } from "../support/game-state.ts";
import type { GameState } from "../support/game-state.ts";
import type { MemorySocket } from "../support/memory.ts";
import { MemoryTree } from "../support/memory-shards.ts";
import type { Fate } from "../support/memory-shards.ts";
import { anyMutation } from "../support/mutations.ts";
import type { Mutation } from "../support/mutations.ts";

const SHARDS = ["s1", "s2", "s3"];
const CLIENTS = 6;
/** The protocols that clients use in turn. */
const PROTOCOLS = ["", "protocol=2", "protocol=2&protocol=3"];

type Step =
  | { kind: "turn"; mutations: Mutation[] }
  | { kind: "wait"; ms: number }
  | { kind: "act"; who: number }
  | { kind: "join"; who: number; shard: number }
  | { kind: "leave"; who: number }
  | { kind: "evict room" }
  | { kind: "crash room" }
  | { kind: "evict shard"; shard: number }
  | { kind: "crash shard"; shard: number }
  | { kind: "retire shard"; shard: number }
  | { kind: "fail"; what: "room" | "shards"; calls: number };

const who = fc.nat({ max: CLIENTS - 1 });
const shard = fc.nat({ max: SHARDS.length - 1 });
const step = fc.oneof<fc.MaybeWeightedArbitrary<Step>[]>(
  {
    weight: 8,
    arbitrary: fc
      .array(anyMutation, { minLength: 1, maxLength: 3 })
      .map((mutations) => ({ kind: "turn" as const, mutations })),
  },
  { weight: 6, arbitrary: fc.nat({ max: 60 }).map((ms) => ({ kind: "wait" as const, ms })) },
  { weight: 1, arbitrary: fc.integer({ min: 1000, max: 20_000 }).map((ms) => ({ kind: "wait" as const, ms })) },
  { weight: 8, arbitrary: who.map((who) => ({ kind: "act" as const, who })) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("join" as const), who, shard }) },
  { weight: 1, arbitrary: who.map((who) => ({ kind: "leave" as const, who })) },
  { weight: 1, arbitrary: fc.constant({ kind: "evict room" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "crash room" as const }) },
  { weight: 1, arbitrary: shard.map((shard) => ({ kind: "evict shard" as const, shard })) },
  { weight: 1, arbitrary: shard.map((shard) => ({ kind: "crash shard" as const, shard })) },
  { weight: 1, arbitrary: shard.map((shard) => ({ kind: "retire shard" as const, shard })) },
);

const stateOf = () => ({ ...gameState(), done: sync(signal<string[]>([])) });
type State = GameState & { done: ReturnType<typeof stateOf>["done"] };

class Run {
  readonly tree: MemoryTree<State>;
  readonly online = new Map<number, { socket: MemorySocket; shard: number; reader: ResumingClient }>();
  readonly acked = new Set<string>();
  readonly forgetful = new Set<MemorySocket>();
  readonly faults = { room: new Faults(), shards: new Faults() };
  readonly #names = [...SHARDS];
  readonly #read = new Map<MemorySocket, number>();
  #acts = 0;

  constructor(throttleSync: number | "auto", throttleStorage: number, fates: () => Fate, delay: () => number) {
    this.tree = new MemoryTree<State>(
      defineRoom({
        path: "r",
        throttleSync,
        throttleStorage,
        state: stateOf,
        actions: {
          act: { input: z.string(), run: ({ state }, id) => state.done.update((done) => [...done, id]) },
        },
      }).compiled,
    );
    this.tree.alarm = (set, clock) => this.faults.shards.alarmOf(set, clock, () => {});
    this.tree.fate = fates;
    this.tree.delay = delay;
    for (const name of SHARDS) this.tree.add(name);
    this.faults.room.reach(this.tree.room.storage);
    for (const { storage } of this.tree.shards.values()) this.faults.shards.reach(storage);
  }

  #shard(index: number) {
    return this.tree.shards.get(this.#names[index] as string) as NonNullable<ReturnType<typeof this.tree.shards.get>>;
  }

  /** @returns undefined if the shard cannot store that it has clients */
  #join({ who, shard }: { who: number; shard: number }, auth: Claims | null): MemorySocket | undefined {
    try {
      return this.#shard(shard).connect(`session-${who}`, auth, PROTOCOLS[who % PROTOCOLS.length]);
    } catch (error) {
      expect(String(error)).toContain(QUOTA);
      return undefined;
    }
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case "turn":
        // The state only changes when the room has found its clients again.
        if (!this.tree.room.core.started) this.tree.room.change((s) => step.mutations.forEach((m) => m.run(s)));
        break;
      case "wait":
        await this.tree.advance(step.ms);
        break;
      case "act": {
        const client = this.online.get(step.who);
        const id = `act-${this.#acts++}`;
        if (client?.socket.isOpen) this.#shard(client.shard).send(client.socket, { action: "act", value: id, id });
        break;
      }
      case "join": {
        if (this.online.get(step.who)?.socket.isOpen) return;
        const auth = step.who === 1 ? { sub: "gm", gm: true } : null;
        const socket = this.#join(step, auth);
        // A shard that slept does not know that it has taken a batch whose answer was lost.
        const reader = new ResumingClient(true);
        if (socket) reader.connected(socket);
        if (socket) this.online.set(step.who, { socket, shard: step.shard, reader });
        break;
      }
      case "leave": {
        const client = this.online.get(step.who);
        this.online.delete(step.who);
        if (client?.socket.isOpen) this.#shard(client.shard).disconnect(client.socket);
        break;
      }
      case "evict room":
        await this.#untilIdle(() => this.tree.room.core.parts.shardLinks.isAcknowledged && this.tree.room.isIdle);
        await this.tree.room.evict();
        break;
      case "crash room":
        for (const [index, name] of this.#names.entries()) {
          if (this.tree.shards.get(name)?.core.introduce(crypto.randomUUID())?.wantsState) this.#forget(index);
        }
        this.tree.room.crash();
        break;
      case "evict shard":
        await this.#untilIdle(() => this.#shard(step.shard).isIdle);
        if (!this.tree.room.core.parts.shardLinks.isAcknowledged) this.#forget(step.shard);
        this.#shard(step.shard).evict();
        break;
      case "crash shard":
        this.#shard(step.shard).crash();
        break;
      case "retire shard":
        // The World assigns another shard instead.
        await this.#shard(step.shard).core.retire();
        this.#names[step.shard] = `s${step.shard}-${this.#acts++}`;
        this.tree.add(this.#names[step.shard] as string);
        break;
      case "fail":
        this.faults[step.what].storage = step.calls;
        this.faults[step.what].alarm = step.calls;
    }
    this.#readAcks();
  }

  /**
   * A shard that sleeps while or just before its room is lost cannot tell its clients which fields to remove. Marks
   * these clients.
   */
  #forget(shard: number): void {
    for (const client of this.online.values()) if (client.shard === shard) this.forgetful.add(client.socket);
  }

  async #untilIdle(isIdle: () => boolean): Promise<void> {
    for (let tries = 0; !isIdle() && tries < 100; tries++) await this.tree.advance(500);
    expect(isIdle(), "goes idle").toBe(true);
  }

  #readAcks(): void {
    for (const { socket } of this.online.values()) {
      for (const text of socket.texts.slice(this.#read.get(socket) ?? 0)) {
        const { type, value } = JSON.parse(text) as { type: string; value: { id: string } };
        if (type === "ack") this.acked.add(value.id);
      }
      this.#read.set(socket, socket.texts.length);
    }
  }

  async finish(): Promise<void> {
    this.tree.fate = () => "fine";
    await this.tree.advance(70_000);
    this.#readAcks();
  }

  check(): void {
    const { state } = this.tree.room;
    const open = [...this.online].filter(([, { socket }]) => socket.isOpen);
    // Clients of removed users receive nothing more.
    const online = open.filter(([, { socket }]) => state.players()[attachmentOf(socket).publicId]);
    for (const [, { socket }] of open) {
      const { left, publicId } = attachmentOf(socket);
      expect(left === true, "whether its user was removed").toBe(!state.players()[publicId]);
    }
    for (const [who, { socket, reader }] of online) {
      expect(socket.malformed).toEqual([]);
      const first = JSON.parse(socket.texts[0] ?? "null") as { value: { pId: string } } | null;
      expect(first, `client ${who} got its first packet`).not.toBeNull();
      const publicId = first?.value.pId ?? "";
      const viewer = { publicId, auth: who === 1 ? { sub: "gm", gm: true } : null, user: state.players()[publicId] };
      const expected = expectedView(state, viewer);
      const told = `client ${who}, told\n${socket.texts.join("\n")}\n`;
      const isNumbered = who % PROTOCOLS.length > 0;
      if (isNumbered) reader.read();
      for (const state of isNumbered ? [withoutEmpty(reader.state)] : socket.clients.map((client) => client.state)) {
        if (this.forgetful.has(socket)) expect(state, told).toMatchObject(expected as object);
        else expect(state, told).toEqual(expected);
      }
      // A client whose room was lost gets the whole state again, if its packets have numbers.
      const firsts = socket.texts.filter((text) => text.includes('"pId"'));
      if (!isNumbered) expect(firsts, "one first packet").toHaveLength(1);
    }
    expect(this.tree.room.core.handle.connections).toHaveLength(online.length);
    const users = Object.values(state.players()).filter((player) => player.online());
    expect(users.length).toBeLessThanOrEqual(online.length);
  }
}

/** What the room has attached to the connection of a client at a shard. */
function attachmentOf(socket: MemorySocket): { publicId: string; left?: boolean } {
  const { room } = socket.attachment() as { room: Uint8Array };
  return JSON.parse(new TextDecoder().decode(room)) as { publicId: string; left?: boolean };
}

const FATES: Fate[] = ["fine", "lost", "answer lost", "twice"];

for (const throttleStorage of [0, 1000]) {
  it(`P9: whatever is lost, repeated or killed, clients of shards see the room (throttleStorage ${throttleStorage})`, async () => {
    let acks = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 10, maxLength: 60 }),
        fc.constantFrom(0, "auto" as const, 50),
        fc.infiniteStream(fc.oneof({ weight: 12, arbitrary: fc.constant<Fate>("fine") }, fc.constantFrom(...FATES))),
        fc.infiniteStream(fc.nat({ max: 30 })),
        async (steps, throttleSync, fates, delays) => {
          const run = new Run(
            throttleSync,
            throttleStorage,
            () => fates.next().value,
            () => delays.next().value,
          );
          for (const next of steps) await run.take(next);
          await run.finish();
          run.check();
          const done = run.tree.room.state.done();
          expect(new Set(done).size, "nothing is done twice").toBe(done.length);
          if (throttleStorage === 0)
            for (const id of run.acked) expect(done, "an acknowledged action is never lost").toContain(id);
          acks += run.acked.size;
        },
      ),
      { numRuns: 60 },
    );
    expect(acks).toBeGreaterThan(10);
  });
}

const failure = fc.record({
  kind: fc.constant("fail" as const),
  what: fc.constantFrom("room" as const, "shards" as const),
  calls: fc.constantFrom(0, 1, 3, Infinity),
});
const survivable = new Set(["turn", "wait", "act", "join", "leave"]);

it("P9: if storage or alarms fail, clients of shards see the room, and acknowledged changes are stored in the end", async () => {
  let acks = 0;
  let failed = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 4, arbitrary: step.filter(({ kind }) => survivable.has(kind)) }, failure), {
        minLength: 10,
        maxLength: 60,
      }),
      fc.constantFrom(0, 1000),
      fc.infiniteStream(fc.nat({ max: 30 })),
      async (steps, throttleStorage, delays) => {
        const run = new Run(
          0,
          throttleStorage,
          () => "fine",
          () => delays.next().value,
        );
        for (const next of steps) await run.take(next);
        for (const faults of Object.values(run.faults)) faults.end();
        await run.finish();
        run.check();
        for (const [shardId, shard] of run.tree.shards) {
          expect(shard.alarmAt).toBeLessThan(Infinity);
          const link = run.tree.room.storage.rows.get(`$link:${shardId}`) as { mail: unknown[] } | undefined;
          expect(link?.mail ?? [], "the room has stored that all mail has arrived").toEqual([]);
          if (shard.core.connections > 0) expect(link, "the room has stored that the shard has clients").toBeDefined();
        }
        run.tree.room.crash();
        await run.finish();
        run.check();
        const done = run.tree.room.state.done();
        for (const id of run.acked) expect(done, "an acknowledged action is never lost").toContain(id);
        acks += run.acked.size;
        failed += run.faults.room.count + run.faults.shards.count;
      },
    ),
    { numRuns: 100 },
  );
  expect(acks).toBeGreaterThan(10);
  expect(failed).toBeGreaterThan(50);
});

it("a room's records of its shards are stored in the end, though nothing else changes after a failed save", async () => {
  const run = new Run(
    0,
    0,
    () => "fine",
    () => 1,
  );
  const { tree, faults } = run;
  await run.take({ kind: "join", who: 0, shard: 0 });
  await run.take({ kind: "act", who: 0 });
  await tree.advance(100);
  const mail = () => (tree.room.storage.rows.get("$link:s1") as { mail: unknown[] } | undefined)?.mail;
  expect(mail()).not.toEqual([]);
  faults.room.storage = Infinity;
  await tree.advance(10_000);
  expect(faults.room.count).toBeGreaterThan(0);
  faults.room.end();
  await tree.advance(60_000);
  expect(mail()).toEqual([]);
});
