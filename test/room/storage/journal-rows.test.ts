import fc from "fast-check";
import { expect, it } from "vitest";
import { JournalRows, pack, unpack } from "../../../src/room/storage/journal-rows.ts";
import type { Slot } from "../../../src/room/storage/journal-rows.ts";

const key = fc.constantFrom(
  ".",
  "list",
  "players.a",
  "players.b",
  "players.b.items.c",
  "$sync",
  "$session:x.y",
  "~players.a",
);
const value = fc.option(fc.string({ unit: "grapheme", maxLength: 20 }), { nil: undefined });
const steps = fc.array(fc.record({ key, value, isRemoved: fc.boolean() }), { maxLength: 40 });

it("rows are as they were put in, also after they were stored, and their size is that of existing ones", () => {
  fc.assert(
    fc.property(steps, key, fc.option(key, { nil: undefined }), (taken, start, end) => {
      const rows = new JournalRows();
      const model = new Map<string, unknown>();
      for (const step of taken) {
        if (step.isRemoved) {
          rows.delete(step.key);
          model.delete(step.key);
        } else {
          rows.set(step.key, pack(step.value));
          model.set(step.key, step.value);
        }
      }
      const stored = structuredClone(rows.slots());
      const loaded = new JournalRows();
      loaded.load(stored);
      // The first version of journals had no groups.
      const ungrouped = new JournalRows();
      ungrouped.load([new Map([...model].map(([name, own]) => [name, pack(own)]))] satisfies Slot[]);
      for (const found of [rows, loaded, ungrouped]) {
        expect(found.isEmpty).toBe(model.size === 0);
        expect(new Map([...found.keys()].map((name) => [name, unpack(found.get(name))]))).toEqual(model);
        const inRange = [...model.keys()].filter((name) => name >= start && (end === undefined || name < end));
        expect([...found.keysIn(start, end)].toSorted()).toEqual(inRange.toSorted());
        expect(found.size).toBe(found.sizeOf(found.keys()));
        expect(found.size).toBe(loaded.size);
      }
    }),
  );
});
