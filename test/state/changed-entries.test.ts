import fc from "fast-check";
import { expect, it } from "vitest";
import { CellViews } from "../../src/state/cell-index.ts";
import { Grid } from "../../src/state/grid.ts";
import type { Cell } from "../../src/state/grid.ts";
import { KeyIndex } from "../../src/state/key-index.ts";
import type { Key } from "../../src/state/key-rules.ts";
import { SeenEntry } from "../../src/state/seen-entry.ts";
import type { View } from "../../src/state/view.ts";

/** The part of an index that a delivery uses. */
interface Index<P, V extends View> {
  moved(entry: SeenEntry, from: P | undefined): void;
  begin(changed: readonly SeenEntry[], delivery: number): readonly View[];
  eachChanged(before: V, now: V, visit: (entry: SeenEntry, from: number, to: number) => void): void;
  eachUnchanged(before: V, now: V, visit: (entry: SeenEntry, from: number, to: number) => void): void;
  eachEntry(one: V, other: V, visit: (entry: SeenEntry) => void): void;
  end(): void;
  drop(view: V): void;
  ring(view: V, place: P | undefined): number;
}

/** Entries that are somewhere, or nowhere, before and after. */
function enter<P>(index: Index<P, never>, moves: readonly (readonly [before: P | undefined, place: P | undefined])[]) {
  return moves.map(([before, place], number) => {
    const entry = new SeenEntry(`entry ${number}`);
    entry.place = before;
    index.moved(entry, undefined);
    entry.before = before;
    entry.place = place;
    index.moved(entry, before);
    return entry;
  });
}

/** Every third entry that is still at the same place has no change. */
function check<P, V extends View>(index: Index<P, V>, all: readonly SeenEntry[], views: readonly V[]) {
  const isChanged = ({ before, place }: SeenEntry, number: number) => before !== place || number % 3 > 0;
  const entries = all.filter(isChanged);
  const others = all.filter((entry) => !entries.includes(entry));
  for (const entry of entries) entry.touch(7);
  const found = new Set(index.begin(entries, 7));
  // As if a client left while packets are sent.
  const [gone] = views;
  if (gone) index.drop(gone);
  for (const before of views)
    for (const now of views) {
      const rings = ({ before: was, place }: SeenEntry) => [
        index.ring(before, was as P | undefined),
        index.ring(now, place as P | undefined),
      ];
      const collect = (which: "eachChanged" | "eachUnchanged") => {
        const visited = new Map<SeenEntry, readonly number[]>();
        index[which](before, now, (entry, from, to) => {
          expect(visited.has(entry)).toBe(false);
          visited.set(entry, [from, to]);
        });
        return visited;
      };
      const seen = entries.filter((entry) => rings(entry).some((ring) => ring > 0));
      expect(collect("eachChanged")).toEqual(new Map(seen.map((entry) => [entry, rings(entry)])));
      const unchanged = [...collect("eachUnchanged")].filter(([, both]) => both.some((ring) => ring > 0));
      const seenOthers = others.filter((entry) => rings(entry).some((ring) => ring > 0));
      expect(new Map(unchanged)).toEqual(new Map(seenOthers.map((entry) => [entry, rings(entry)])));
      if (before === now && seen.length > 0) expect(found).toContain(now);
    }
  index.end();
  for (const view of views) index.eachChanged(view, view, () => expect.fail("The delivery has ended"));
  expect(index.begin([], 8)).toEqual([]);
}

it.each([true, false])(
  "a viewer finds each changed entry that it sees or saw, and each other one that it sees or saw: cells, flat: %s",
  (isFlat) => {
    const grid = new Grid([100, 250], isFlat);
    const near = fc.integer({ min: -2 * grid.reach, max: 2 * grid.reach });
    // The names of blocks repeat after 1024.
    const coordinate = fc.oneof(
      { weight: 9, arbitrary: near },
      { weight: 1, arbitrary: near.map((at) => at + 1024 * grid.reach) },
    );
    const cell = fc.record({ column: coordinate, row: coordinate, floor: isFlat ? fc.constant(0) : coordinate });
    const place = fc.option(cell, { nil: undefined, freq: 5 });
    const move = fc.oneof(
      fc.tuple(place, place),
      place.map((at): [Cell | undefined, Cell | undefined] => [at, at]),
    );
    fc.assert(
      fc.property(fc.array(move, { maxLength: 40 }), fc.array(cell, { maxLength: 20 }), (moves, looks) => {
        const index = new CellViews(grid);
        const views = [...new Set(looks.map((at) => index.viewAt(at)))];
        check(index, enter(index, moves), views);
      }),
    );
  },
);

it("a viewer finds each changed entry that it sees or saw, and each other one that it sees or saw: keys", () => {
  const keys = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { maxLength: 3 });
  const place = fc.option(keys, { nil: undefined, freq: 5 });
  fc.assert(
    fc.property(fc.array(fc.tuple(place, place), { maxLength: 20 }), fc.array(keys), (moves, looks) => {
      const index = new KeyIndex(
        () => [],
        (viewer) => viewer.publicId.split("").filter((key) => key !== "-"),
      );
      const viewer = (of: readonly Key[]) => ({ publicId: of.join("") || "-", user: undefined, auth: null });
      const views = [...new Set(looks.map((of) => index.viewOf(viewer(of) as never).value))];
      check(index, enter<readonly Key[]>(index as never, moves), views);
    }),
  );
});
