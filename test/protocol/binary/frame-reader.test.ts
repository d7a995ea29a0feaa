import fc from "fast-check";
import { expect, it } from "vitest";
import { applyPatch } from "../../../src/protocol/apply-patch.ts";
import { jsonBlocks } from "../../../src/protocol/binary/blocks.ts";
import { FrameReader } from "../../../src/protocol/binary/frame-reader.ts";
import { withInputSection, writeSyncFrame } from "../../../src/protocol/binary/frames.ts";
import type { Plain } from "../../../src/protocol/values.ts";
import { recordedFrames } from "./recorded-frames.ts";

it("P13: a client reads each frame of a connection, and has the state and the heads that JSON would give", () => {
  fc.assert(
    fc.property(recordedFrames, (frames) => {
      const reader = new FrameReader();
      let state: Readonly<Plain> = {};
      for (const { bytes, head, state: after } of frames) {
        const { type, value, ...found } = reader.read(bytes, state);
        state = applyPatch(state, value as Plain);
        expect({ type, found, state }).toEqual({ type: "sync", found: head, state: after });
      }
    }),
  );
});

it("P13.5: a client asks for the slots again, if it did not read the packet that has them", () => {
  const reader = new FrameReader();
  const head = { seq: 0, tablesHash: "h", tables: "[]", run: "r" };
  reader.read(writeSyncFrame(head), {});
  expect(reader.query).toEqual({ tables: "h", run: "r" });
  reader.read(writeSyncFrame({ ...head, run: "s" }), {}, () => false);
  expect(reader.query).toEqual({});
  reader.read(writeSyncFrame({ ...head, run: "s" }), {});
  expect(reader.query).toEqual({ tables: "h", run: "s" });
});

it("P15.4: the number of the last input is added to a frame with any number and any sections", () => {
  const numbers = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 1 }));
  const head = fc.record({ seq: numbers, mark: numbers, tick: numbers }, { requiredKeys: [] });
  fc.assert(
    fc.property(head, fc.maxSafeNat(), fc.json(), (own, input, text) => {
      const patch = jsonBlocks({ text }, false);
      const frame = withInputSection(writeSyncFrame(own, patch), input);
      expect(new FrameReader().read(frame, {})).toEqual({ type: "sync", ...own, input, value: { text } });
    }),
  );
});
