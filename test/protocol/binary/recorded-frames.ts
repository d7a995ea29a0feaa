import fc from "fast-check";
import { applyPatch } from "../../../src/protocol/apply-patch.ts";
import { writeSyncFrame } from "../../../src/protocol/binary/frames.ts";
import { written } from "../../../src/protocol/binary/bytes.ts";
import { quantizing } from "../../../src/protocol/binary/codecs.ts";
import { SeenEncoder } from "../../../src/protocol/binary/seen-encoder.ts";
import type { ToldEntry } from "../../../src/protocol/binary/seen-encoder.ts";
import { Collection } from "../../../src/protocol/binary/collection.ts";
import { PatchEncoder } from "../../../src/protocol/binary/patch-encoder.ts";
import { DELETE } from "../../../src/protocol/packets.ts";
import type { TableSpec } from "../../../src/protocol/binary/tables.ts";
import { readTables } from "../../../src/protocol/binary/tables.ts";
import type { Plain } from "../../../src/protocol/values.ts";
import { diff, put, SAME } from "../../../src/state/diff.ts";
import { movers, SPECS, state } from "./states.ts";

/** A frame, the values in its head as JSON has them, and the state of a client after it. */
export interface RecordedFrame {
  readonly bytes: Uint8Array;
  readonly head: Readonly<Plain>;
  readonly state: Readonly<Plain>;
}

const clean = (value: unknown) => JSON.parse(JSON.stringify(value)) as Plain;
const FIRST = { publicId: "me", tablesHash: "t1", tables: JSON.stringify(SPECS) };
const optional = { requiredKeys: [] };
const head = fc.record(
  {
    mark: fc.nat(),
    from: fc.maxSafeNat(),
    batch: fc.nat(70_000),
    resumed: fc.constant(true as const),
    reset: fc.constant(true as const),
    epoch: fc.string({ unit: "binary", maxLength: 8 }),
  },
  optional,
);

/** A collection whose entries enter and leave a client's sight. */
const SEEN: TableSpec = [["seen"], 1, [[["x"], { quantized: [0, 1000, 16] }], [["y"]], [["name"]], [["at", "z"]]]];
const x = quantizing(0, 1000, 16);
const seenEntry = fc.record(
  {
    x: fc.integer({ min: 0, max: 65_535 }).map(x.value),
    y: fc.oneof(fc.integer({ min: -40_000, max: 40_000 }), fc.double({ noNaN: true, noDefaultInfinity: true })),
    name: fc.string({ maxLength: 3 }),
    at: fc.record({ z: fc.integer() }),
    other: fc.boolean(),
  },
  optional,
);
const seen = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), fc.option(seenEntry), { maxKeys: 4 });

/** What to tell a client about these entries. An entry with null has left its sight. */
function toldOf(entries: Readonly<Record<string, Plain | null>>, inSight: Set<string>): ToldEntry[] {
  return Object.entries(entries).flatMap(([key, value]): ToldEntry[] => {
    if (value) return [{ key, form: inSight.has(key) || !inSight.add(key) ? "change" : "whole", value }];
    return inSight.delete(key) ? [{ key, form: "gone", value: DELETE }] : [];
  });
}

const LENGTHS = { minLength: 1, maxLength: 12 };
const window = (next: fc.Arbitrary<unknown>) =>
  fc.record({ next, head, seen, isBack: fc.integer({ min: 0, max: 5 }).map((n) => n === 0) });

/** The frames of one client: the whole state, then changes. Sometimes it reconnects without knowing any slots. */
export const recordedFrames: fc.Arbitrary<readonly RecordedFrame[]> = fc
  .oneof(
    fc.array(window(state), LENGTHS),
    fc.array(window(movers), LENGTHS),
    fc.array(window(fc.oneof(state, movers)), LENGTHS),
  )
  .map((windows) => {
    const encoder = new PatchEncoder(readTables(SPECS), Collection);
    const others = new SeenEncoder(readTables([SEEN]).map((table) => [SPECS.length, table]));
    const inSight = new Set<string>();
    const frames: RecordedFrame[] = [];
    let now: Plain = {};
    let after: Readonly<Plain> = {};
    const add = (bytes: Uint8Array, { head: said, isBack }: (typeof windows)[number], patch: Plain) => {
      const isFirst = frames.length === 0;
      const plain = { ...said, seq: frames.length };
      const run = isFirst || isBack ? { run: `r${frames.length}` } : {};
      const sent = isFirst ? { ...plain, ...run, ...FIRST } : { ...plain, ...run };
      after = applyPatch(after, clean(isFirst ? { pId: FIRST.publicId, ...patch } : patch));
      frames.push({ bytes: writeSyncFrame(sent, bytes), head: plain, state: after });
    };
    for (const window of windows) {
      const next = clean(window.next);
      const patch = diff(now, next);
      now = next;
      if (frames.length === 0 || window.isBack) {
        // Other clients get these changes in a shared frame. This client has to be told the slots that it assigns.
        if (patch !== SAME) encoder.shared(patch as Plain);
        const missed = frames.length === 0 ? next : patch === SAME ? {} : (patch as Plain);
        const ofSeen = written((out) => others.tellSlots(out, "seen", inSight));
        add(Buffer.concat([encoder.slots(), encoder.whole(missed), ofSeen]), window, missed);
      } else if (patch !== SAME) add(encoder.shared(patch as Plain), window, patch as Plain);
      const told = toldOf(window.seen, inSight);
      if (told.length === 0) continue;
      others.begin();
      others.assign("seen", told, frames.length, frames.length - 1);
      const blocks = written((out) => {
        others.tell(out, "seen", frames);
        others.write(out, "seen", told, put);
      });
      const entries = Object.fromEntries(told.map(({ key, value }) => [key, value]));
      add(blocks, { ...window, isBack: false }, { seen: entries });
    }
    return frames;
  });
