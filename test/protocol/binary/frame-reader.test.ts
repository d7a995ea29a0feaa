import fc from "fast-check";
import { expect, it } from "vitest";
import { applyPatch } from "../../../src/protocol/apply-patch.ts";
import { FrameReader } from "../../../src/protocol/binary/frame-reader.ts";
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
