import { signal } from "@signe/reactive";
import fc from "fast-check";
import { expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { applyPatch } from "../../src/protocol/apply-patch.ts";
import { collection, persist, sync } from "../../src/state/fields.ts";
import type { Visibility } from "../../src/state/field.ts";
import { expectedView, withoutEmpty } from "../../src/testing/expected-view.ts";
import { MemoryRoom } from "../support/memory.ts";

/** Whether the predicate of "open" shows a field now. The step "turn" changes it for all cards at once. */
let isOpen = false;
const AUDIENCES: Readonly<Record<string, Visibility>> = {
  all: "all",
  owner: "owner",
  gm: ({ auth }) => auth?.["gm"] === true,
  open: () => isOpen,
};
const NAMES = ["nobody", ...Object.keys(AUDIENCES)];

const face = fc.oneof(
  fc.constantFrom(1, 2, null),
  fc.array(fc.constantFrom(1, 2), { maxLength: 3 }),
  fc.dictionary(fc.constantFrom("a", "b"), fc.constantFrom(1, 2), { noNullPrototype: true }),
);

/** Creates an entry whose value only some users may see. Entries of one collection differ in this. */
function card(who: string, value: unknown) {
  const own = signal<unknown>(null);
  own.set(structuredClone(value));
  return { face: who === "nobody" ? persist(own) : sync(own, { visibleTo: AUDIENCES[who] ?? "all" }) };
}
type Card = ReturnType<typeof card>;
const CARDS = Object.fromEntries(NAMES.map((who) => [who, () => card(who, null)]));

const key = fc.constantFrom("x", "y");
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("put" as const), key, who: fc.constantFrom(...NAMES), face }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("set" as const), key, face }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove" as const), key }) },
  { weight: 1, arbitrary: fc.constant({ kind: "turn" as const }) },
  { weight: 3, arbitrary: fc.constant({ kind: "tell" as const }) },
);

it("P4.6: entries that are replaced by others with another visibility are seen by exactly their viewers", async () => {
  const definition = defineRoom({
    path: "r",
    throttleSync: 0,
    state: () => ({ table: collection(CARDS), turns: sync(signal(0)) }),
  });
  let checks = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 20 }), async (steps) => {
      isOpen = false;
      const room = new MemoryRoom<{ table: () => Record<string, Card>; turns: { set(value: number): void } }>(
        definition.compiled,
      );
      const claims = [null, { gm: true }];
      const sockets = await Promise.all(
        claims.map((auth, who) => room.connect(`s${who}`, auth, undefined, "protocol=2")),
      );
      let turns = 0;
      for (const next of [...steps, { kind: "tell" as const }]) {
        const { table } = room.state;
        if (next.kind === "tell") {
          room.change(({ turns: field }) => field.set(++turns));
          for (const [who, socket] of sockets.entries()) {
            let view: Readonly<Record<string, unknown>> = {};
            for (const text of socket.texts) {
              const { pId: _, ...patch } = (JSON.parse(text) as { value: Record<string, unknown> }).value;
              view = applyPatch(view, patch);
            }
            const viewer = { publicId: "", auth: claims[who] ?? null, user: undefined };
            expect(withoutEmpty(view), `client ${who}`).toEqual(expectedView(room.state, viewer));
            checks++;
          }
        } else if (next.kind === "turn") isOpen = !isOpen;
        else if (next.kind === "put")
          room.core.turns.run(() => (table()[next.key] = card(next.who, next.face)), "caller");
        else if (next.kind === "set")
          room.core.turns.run(() => table()[next.key]?.face.set(structuredClone(next.face)), "caller");
        else room.core.turns.run(() => delete table()[next.key], "caller");
      }
    }),
    { numRuns: 400 },
  );
  expect(checks).toBeGreaterThan(1500);
});
