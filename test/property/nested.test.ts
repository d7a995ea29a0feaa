import { signal } from "@signe/reactive";
import fc from "fast-check";
import { expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import type { Claims } from "../../src/define/types.ts";
import { applyPatch } from "../../src/protocol/apply-patch.ts";
import { expectedView, withoutEmpty } from "../../src/testing/expected-view.ts";
import { MemoryRoom } from "../support/memory.ts";
import type { MemorySocket } from "../support/memory.ts";
import { anyChange, holdsOddValues, nestedState } from "../support/nested-state.ts";
import type { NestedState } from "../support/nested-state.ts";
import { ODD_REFUSAL } from "../support/odd-values.ts";

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .array(anyChange, { minLength: 1, maxLength: 4 })
      .map((changes) => ({ kind: "turn" as const, changes })),
  },
  { weight: 3, arbitrary: fc.constant({ kind: "look" as const }) },
  { weight: 1, arbitrary: fc.constantFrom({ kind: "come or go" as const }, { kind: "evict" as const }) },
);

/** The client's own state, as a developer who uses `@signe/sync` would declare it for the top level of this state. */
const clientState = () => ({
  n: signal(0),
  list: signal<unknown[]>([]),
  bag: signal<Record<string, unknown>>({}),
  trees: signal<Record<string, unknown>>({}),
});

/** A client of protocol 2 that reconnects and resumes. */
class Follower {
  view: Readonly<Record<string, unknown>> = {};
  resumes = 0;
  readonly #room: MemoryRoom<NestedState>;
  readonly #session: string;
  readonly #auth: Claims | null;
  #socket: MemorySocket | undefined;
  #read = 0;
  #position: { seq?: number; epoch?: string } = {};

  constructor(room: MemoryRoom<NestedState>, session: string, auth: Claims | null) {
    this.#room = room;
    this.#session = session;
    this.#auth = auth;
  }

  get isHere(): boolean {
    return this.#socket !== undefined;
  }

  async come(): Promise<void> {
    const { seq, epoch } = this.#position;
    this.#read = 0;
    const since = seq === undefined ? "" : `&since=${seq}&epoch=${epoch}`;
    this.#socket = await this.#room.connect(this.#session, this.#auth, undefined, `protocol=2${since}`);
  }

  go(): void {
    this.look();
    if (this.#socket) this.#room.disconnect(this.#socket);
    this.#socket = undefined;
  }

  look(): typeof this.view {
    for (const text of this.#socket?.texts.slice(this.#read) ?? []) this.#take(text);
    this.#read = this.#socket?.texts.length ?? 0;
    return this.view;
  }

  #take(text: string): void {
    const { type, value, resumed, reset, seq, epoch } = JSON.parse(text) as {
      type: string;
      value: Record<string, unknown>;
      resumed?: true;
      reset?: true;
      seq?: number;
      epoch?: string;
    };
    if (type !== "sync") return;
    const { pId, ...patch } = value;
    if (resumed) this.resumes++;
    this.view = applyPatch(pId === undefined && !reset ? this.view : {}, patch);
    this.#position = {
      ...this.#position,
      ...(seq !== undefined && { seq }),
      ...(epoch !== undefined && { epoch }),
    };
  }
}

/** The reasons for which a change may be refused. A refused change throws, and changes nothing. */
const REFUSED = /was declared as|is already in the state|has another key too/;

it.each([0, 50])(
  "P5.1, P4.11: nested collections with any data under any keys are the same for all who may see them (throttleSync %i)",
  async (throttleSync) => {
    const definition = defineRoom({ path: "r", throttleSync, throttleStorage: 0, state: nestedState });
    const gm = { sub: "gm", gm: true };
    let resumes = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), async (steps) => {
        const room = new MemoryRoom<NestedState>(definition.compiled);
        room.clientInstance = clientState;
        const viewers = await Promise.all(
          [null, gm].map(async (auth, who) => ({
            auth,
            old: await room.connect(`old-${who}`, auth),
            followers: ["stays", "comes and goes"].map((name) => new Follower(room, `${name}-${who}`, auth)),
          })),
        );
        for (const { followers } of viewers) for (const follower of followers) await follower.come();
        for (const next of [...steps, { kind: "look" as const }]) {
          if (next.kind === "turn") {
            for (const change of next.changes) {
              try {
                room.change((state) => change.run(state));
              } catch (error) {
                if (!ODD_REFUSAL.test(String(error))) expect(String(error), change.name).toMatch(REFUSED);
              }
              expect(holdsOddValues(room.state), change.name).toBe(false);
            }
            continue;
          }
          if (next.kind === "come or go") {
            for (const { followers } of viewers) {
              if (followers[1]?.isHere) followers[1].go();
              else await followers[1]?.come();
            }
            continue;
          }
          if (next.kind === "evict") await room.evict();
          await room.advance(60);
          for (const { auth, old, followers } of viewers) {
            const fresh = new Follower(room, auth ? "fresh-gm" : "fresh", auth);
            await fresh.come();
            if (!followers[1]?.isHere) await followers[1]?.come();
            await room.advance(120);
            const whole = fresh.look();
            fresh.go();
            const viewer = { publicId: "", auth, user: undefined };
            const expected = JSON.parse(JSON.stringify(expectedView(room.state, viewer))) as unknown;
            expect(withoutEmpty(whole)).toEqual(expected);
            for (const { state } of old.clients) expect(state, old.texts.join("\n")).toEqual(expected);
            for (const follower of followers) expect(follower.look()).toEqual(whole);
          }
        }
        for (const { followers } of viewers) resumes += followers[1]?.resumes ?? 0;
        expect(room.log.filter(({ level }) => level === "error")).toEqual([]);
      }),
      { numRuns: 120 },
    );
    expect(resumes).toBeGreaterThan(5);
  },
);
