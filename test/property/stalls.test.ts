import { signal } from "@signe/reactive";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { overviewOf } from "../../src/platform/object-report.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { near } from "../../src/state/near.ts";
import { users } from "../../src/app/users.ts";
import { sync } from "../../src/state/fields.ts";
import { withoutEmpty } from "../../src/testing/expected-view.ts";
import { ResumingClient } from "../room/sync/resuming-client.ts";
import { gameState } from "../support/game-state.ts";
import type { GameState } from "../support/game-state.ts";
import { MemoryRoom } from "../support/memory.ts";
import type { MemorySocket } from "../support/memory.ts";
import { anyMutation } from "../support/mutations.ts";

type Step =
  | { kind: "turn"; change: (state: never) => void }
  | { kind: "wait"; ms: number }
  | { kind: "stall" | "read" | "call" | "come" | "leave"; who: number }
  | { kind: "tell" | "evict" | "apply" | "burst" };

const who = fc.nat({ max: 2 });
const stepWith = (change: fc.Arbitrary<(state: never) => void>): fc.Arbitrary<Step> =>
  fc.oneof(
    { weight: 20, arbitrary: change.map((change) => ({ kind: "turn" as const, change })) },
    { weight: 3, arbitrary: fc.constantFrom(10, 100, 1000).map((ms) => ({ kind: "wait" as const, ms })) },
    { weight: 3, arbitrary: who.map((who) => ({ kind: "stall" as const, who })) },
    { weight: 2, arbitrary: who.map((who) => ({ kind: "read" as const, who })) },
    { weight: 5, arbitrary: who.map((who) => ({ kind: "call" as const, who })) },
    { weight: 1, arbitrary: who.map((who) => ({ kind: "come" as const, who })) },
    { weight: 1, arbitrary: who.map((who) => ({ kind: "leave" as const, who })) },
    {
      weight: 2,
      arbitrary: fc.constantFrom("tell" as const, "apply" as const, "burst" as const).map((kind) => ({ kind })),
    },
    { weight: 1, arbitrary: fc.constant({ kind: "evict" as const }) },
  );

const anything = fc
  .array(anyMutation, { minLength: 1, maxLength: 3 })
  .map((mutations) => (state: GameState) => mutations.forEach((mutation) => mutation.run(state)));

class Walker {
  x = sync(signal(0));
  y = sync(signal(0));
  mood = sync(signal("calm"), { visibleTo: "owner" });
}
const crowdState = () => ({
  round: sync(signal(0)),
  walkers: users(Walker, { visibleTo: near({ x: "x", y: "y", radius: 20 }) }),
});
type CrowdState = ReturnType<typeof crowdState>;
const place = fc.nat({ max: 60 });
const walks = fc.oneof(
  fc.tuple(who, place, place).map(([who, x, y]) => (state: CrowdState) => {
    const walker = Object.values(state.walkers())[who];
    walker?.x.set(x);
    walker?.y.set(y);
    walker?.mood.set(`at ${x}`);
  }),
  place.map((round) => (state: CrowdState) => state.round.set(round)),
);

/** A client that reads and confirms, except while a step stops it. */
class Reader {
  readonly client = new ResumingClient();
  readonly acks: (readonly [id: unknown, result: unknown])[] = [];
  socket: MemorySocket | undefined;
  calls = 0;
  #token: number | undefined;
  #acksRead = 0;

  async come(room: MemoryRoom<object>, session: string, protocol: string): Promise<void> {
    if (this.socket?.isOpen) return;
    const since = this.client.query.replace("protocol=2", "");
    const socket = await room.connect(session, null, undefined, `${protocol}${since}`);
    this.socket = socket;
    this.#token = undefined;
    this.#acksRead = 0;
    this.client.connected(socket);
    socket.onAsked = (token) => {
      const isUrgent = this.#token !== undefined;
      this.#token = isUrgent ? undefined : token;
      if (isUrgent) void room.core.message(socket, `{"confirm":${token}}`);
    };
  }

  call(room: MemoryRoom<object>): void {
    if (!this.socket?.isOpen) return;
    const token = this.#token === undefined ? "" : `"confirm":${this.#token},`;
    this.#token = undefined;
    void room.core.message(this.socket, `{${token}"action":"act","value":${this.calls},"id":${this.calls++}}`);
  }

  read(): void {
    this.client.read();
    const texts = this.socket?.texts ?? [];
    for (const text of texts.slice(this.#acksRead)) {
      const { type, value } = JSON.parse(text) as { type: string; value: { id: unknown; result: unknown } };
      if (type === "ack") this.acks.push([value.id, value.result]);
    }
    this.#acksRead = texts.length;
  }
}

const settings = fc.record({
  protocol: fc.constantFrom("protocol=2", "protocol=2&protocol=3"),
  throttleSync: fc.constantFrom(0, 50),
  autoSync: fc.constantFrom(true, true, false),
  intercepts: fc.constantFrom(undefined, "at once", "later"),
});

describe.each([
  ["a game with predicates", gameState, anything],
  ["a crowd", crowdState, walks],
] as const)("P14: in %s", (_, state: () => object, change) => {
  it("stalls never leave a wrong state, acknowledgements keep their order, and each message is handled once", async () => {
    let stops = 0;
    const steps = fc.array(stepWith(change as fc.Arbitrary<(state: never) => void>), { minLength: 30, maxLength: 120 });
    await fc.assert(
      fc.asyncProperty(steps, settings, async (steps, { protocol, intercepts, ...options }) => {
        const done: string[] = [];
        const definition = defineRoom({
          path: "r",
          ...options,
          maxUnconfirmedBytes: 10_000,
          rateLimit: { messages: 1e6, per: 1 },
          state,
          actions: { act: { run: ({ conn }, id) => done.push(`${conn.sessionId} ${id as number}`) } },
          ...(intercepts && {
            interceptorPacket: (_, packet) => (intercepts === "later" ? Promise.resolve(packet) : packet),
          }),
        });
        const room = new MemoryRoom<object>(definition.compiled);
        const readers = [new Reader(), new Reader(), new Reader()];
        const session = (who: number) => `s${who}`;
        let merges = 0;
        const take = async (step: Step) => {
          const reader = "who" in step ? (readers[step.who] as Reader) : undefined;
          if (step.kind === "turn") room.change((current) => step.change(current as never));
          else if (step.kind === "wait") await room.advance(step.ms);
          else if (step.kind === "tell") room.core.handle.broadcast({ type: "told" }, { latest: "told" });
          else if (step.kind === "burst") {
            for (let packet = 0; packet < 20; packet++) room.core.handle.broadcast({ type: "noise", value: packet });
          } else if (step.kind === "apply") room.core.handle.applySync();
          // A room cannot sleep while an interceptor runs or a client is behind.
          else if (step.kind === "evict" && overviewOf(room.core.parts).behind === 0 && intercepts !== "later") {
            merges += overviewOf(room.core.parts).merges;
            await room.evict();
          } else if (step.kind === "come") await reader?.come(room, session(step.who), protocol);
          else if (step.kind === "stall") reader?.socket?.stall();
          else if (step.kind === "read") reader?.socket?.read();
          else if (step.kind === "call") reader?.call(room);
          else if (step.kind === "leave" && reader?.socket?.isOpen) {
            // Frames that it has not read by then are lost.
            room.disconnect(reader.socket);
          }
        };
        for (const [who, reader] of readers.entries()) await reader.come(room, session(who), protocol);
        for (const step of steps) {
          await take(step);
          await Promise.resolve();
          for (const reader of readers) reader.read();
        }
        stops += merges + overviewOf(room.core.parts).merges;
        for (const { socket } of readers) if (socket?.isOpen) socket.read();
        for (let round = 0; round < 3; round++) {
          await room.advance(2000);
          await new Promise((resolve) => setTimeout(resolve, 0));
          room.core.handle.applySync();
        }
        await new Promise((resolve) => setTimeout(resolve, 0));
        for (const [who, reader] of readers.entries()) {
          reader.read();
          expect(reader.acks.map(([id]) => id)).toEqual(
            reader.acks.map(([id]) => id).toSorted((a, b) => Number(a) - Number(b)),
          );
          const results = reader.acks.map(([, result]) => Number(result));
          expect(results).toEqual([...new Set(results)].toSorted((a, b) => a - b));
          if (!reader.socket?.isOpen) continue;
          // A new connection of the same user receives the whole visible state, for comparison.
          const fresh = new ResumingClient();
          fresh.connected(await room.connect(session(who), null, undefined, protocol));
          room.core.handle.applySync();
          await room.advance(2000);
          await new Promise((resolve) => setTimeout(resolve, 0));
          fresh.read();
          reader.read();
          expect(
            withoutEmpty(reader.client.state),
            JSON.stringify([
              reader.client.how,
              protocol,
              options,
              intercepts,
              steps.map((s) => s.kind + ("who" in s ? String(s.who) : "")).join(" "),
            ]),
          ).toEqual(withoutEmpty(fresh.state));
        }
        expect(new Set(done).size).toBe(done.length);
        expect(room.log.filter(({ level }) => level === "error")).toEqual([]);
      }),
      { numRuns: 200 },
    );
    expect(stops).toBeGreaterThan(10);
  });
});
