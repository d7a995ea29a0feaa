import { signal } from "@signe/reactive";
import fc from "fast-check";
import { expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { sync } from "../../src/state/fields.ts";
import type { Viewer } from "../../src/state/field.ts";
import { expectedView } from "../../src/testing/expected-view.ts";
import { asyncHooks } from "../support/async-hooks.ts";
import { gameState } from "../support/game-state.ts";
import type { GameState, Player } from "../support/game-state.ts";
import { MemoryRoom } from "../support/memory.ts";
import type { MemorySocket } from "../support/memory.ts";
import { anyMutation } from "../support/mutations.ts";
import type { Mutation } from "../support/mutations.ts";

type Step =
  | { kind: "turn"; mutations: Mutation[] }
  | { kind: "wait"; ms: number }
  | { kind: "evict" }
  | { kind: "crash" }
  | { kind: "join"; who: number }
  | { kind: "leave"; who: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc
      .array(anyMutation, { minLength: 1, maxLength: 4 })
      .map((mutations) => ({ kind: "turn" as const, mutations })),
  },
  { weight: 4, arbitrary: fc.nat({ max: 200 }).map((ms) => ({ kind: "wait" as const, ms })) },
  { weight: 1, arbitrary: fc.constant({ kind: "evict" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "crash" as const }) },
  { weight: 2, arbitrary: fc.nat({ max: 3 }).map((who) => ({ kind: "join" as const, who })) },
  { weight: 1, arbitrary: fc.nat({ max: 3 }).map((who) => ({ kind: "leave" as const, who })) },
);

/** Predicates in plain JavaScript may return any value. Only `true` makes a field visible. */
const oddState = () => ({
  ...gameState(),
  truthy: sync(signal("hidden"), { visibleTo: () => 1 as never }),
  nothing: sync(signal("hidden"), { visibleTo: () => undefined as never }),
});

/** The client's own state, as a developer who uses `@signe/sync` would declare it. */
const clientState = () => ({
  count: signal(0),
  title: signal<string | null>(null),
  scores: signal<number[]>([]),
  best: signal(0),
  config: signal<Record<string, unknown>>({}),
  board: signal<unknown[]>([]),
  flags: { a: signal(0), b: signal(0) },
  turn: signal(0),
  shout: signal(""),
  players: signal<Record<string, unknown>>({}),
  monsters: signal<Record<string, unknown>>({}),
  beasts: signal<Record<string, unknown>>({}),
  vault: signal<Record<string, unknown>>({}),
  passing: signal<string | null>(null),
});

const clients: ({ sub: string; gm?: true } | null)[] = [null, null, { sub: "c" }, { sub: "gm", gm: true }];

function publicIdOf(socket: MemorySocket): string {
  return (socket.attachment() as { publicId: string }).publicId;
}

class World {
  readonly room: MemoryRoom<GameState>;
  readonly online = new Map<number, MemorySocket>();
  /** The sockets of removed users, and the number of packets that each had received by then. */
  readonly left = new Map<MemorySocket, number>();

  constructor(throttleSync: number | "auto", throttleStorage: number, hooks: Partial<typeof asyncHooks>) {
    this.room = new MemoryRoom<GameState>(
      defineRoom({ path: "r", throttleSync, throttleStorage, state: oddState, ...hooks }).compiled,
    );
    this.room.clientInstance = clientState;
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case "turn":
        this.room.change((state) => step.mutations.forEach((mutation) => mutation.run(state)));
        for (const [who, socket] of this.online) {
          if (this.room.state.players()[publicIdOf(socket)]) continue;
          this.online.delete(who);
          this.left.set(socket, socket.texts.length);
        }
        return;
      case "wait":
        return this.room.advance(step.ms);
      case "evict":
        await this.room.evict();
        return void (await this.room.core.started);
      case "crash":
        this.online.clear();
        this.left.clear();
        this.room.crash();
        return void (await this.room.core.started);
      case "join": {
        if (this.online.has(step.who)) return;
        this.online.set(step.who, await this.room.connect(`session-${step.who}`, clients[step.who]));
        return;
      }
      case "leave": {
        const socket = this.online.get(step.who);
        this.online.delete(step.who);
        if (socket) this.room.disconnect(socket);
      }
    }
  }

  checkPresence(): void {
    const online = Object.entries(this.room.state.players()).filter(([, player]) => player.online());
    const here = new Set(Array.from(this.online.values(), publicIdOf));
    expect(new Set(online.map(([publicId]) => publicId))).toEqual(here);
  }

  check(): void {
    for (const [{ texts }, count] of this.left) expect(texts.slice(count), "after the user was removed").toEqual([]);
    for (const [who, socket] of this.online) {
      const publicId = publicIdOf(socket);
      const user: Player | undefined = this.room.state.players()[publicId];
      const viewer: Viewer = { publicId, auth: clients[who] ?? null, user };
      const expected = expectedView(this.room.state, viewer);
      for (const client of socket.clients) expect(client.state, `client ${who}`).toEqual(expected);
    }
  }
}

for (const throttleSync of [0, "auto", 50] as const) {
  it(`P5: every client sees what it may see of the state, after any changes (throttleSync ${throttleSync})`, async () => {
    let turns = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 40 }),
        fc.constantFrom(0, 1000),
        fc.constantFrom({}, asyncHooks),
        async (steps, throttleStorage, hooks) => {
          const world = new World(throttleSync, throttleStorage, hooks);
          await world.take({ kind: "join", who: 0 });
          for (const next of steps) {
            await world.take(next);
            turns++;
            // With a window, clients are behind until it ends.
            if (throttleSync !== 0 && next.kind !== "wait") continue;
            if (throttleSync !== 0) await world.room.advance(60);
            world.check();
          }
          // After a crash, users who have not come back within this time are offline.
          await world.room.advance(11_000);
          world.checkPresence();
          world.check();
          // Neither packets nor rows contain anything of a plain property.
          for (const { texts } of world.room.sockets) expect(texts.join()).not.toContain('"plain"');
          expect(JSON.stringify([...world.room.storage.rows.values()])).not.toContain('"plain"');
          // The key of an entry that only some users may see is hidden from all others.
          for (const [who, { texts }] of world.online) {
            if (!clients[who]?.gm) expect(texts.join()).not.toContain("hidden ");
          }
          const failures = world.room.log.filter((entry) => entry.level === "error");
          expect(failures).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
    expect(turns).toBeGreaterThan(2000);
  });
}
