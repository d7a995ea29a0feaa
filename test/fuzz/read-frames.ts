import { expect } from "vitest";
import { applyPatch } from "../../src/protocol/apply-patch.ts";
import { MalformedFrame } from "../../src/protocol/binary/bytes.ts";
import { FrameReader } from "../../src/protocol/binary/frame-reader.ts";
import { isContainer } from "../../src/protocol/values.ts";
import type { Plain } from "../../src/protocol/values.ts";

/** The most values and objects that a byte can produce: 8 bits may be booleans with four names each, in a row. */
export const MOST_PER_BYTE = 8 * 4 + 8;

/** Errors of V8 about values that are too large or too deep, or beyond the end of a buffer. */
const OUT_OF_BOUNDS =
  /array length|string length|buffer allocation|call stack|out of (?:range|memory)|outside the bounds/i;

/**
 * Reads the frames of one connection, as a client does. It fails if anything but {@link MalformedFrame} is thrown, if a
 * packet is larger than its frame allows, or if a prototype was changed.
 */
export function readHostile(frames: readonly Uint8Array[]): { read: number; refused: number } {
  const reader = new FrameReader();
  const found = { read: 0, refused: 0 };
  let state: Readonly<Plain> = {};
  for (const frame of frames) {
    try {
      const { value } = reader.read(frame, state);
      expect(sizeOf(value)).toBeLessThanOrEqual(MOST_PER_BYTE * frame.length);
      state = applyPatch(state, value as Plain);
      found.read++;
    } catch (thrown) {
      if (!(thrown instanceof MalformedFrame)) throw thrown;
      // The reader must notice malformed frames itself, and not because it runs out of memory or stack.
      expect(thrown.message).not.toMatch(OUT_OF_BOUNDS);
      found.refused++;
    }
  }
  for (const name of ["n", "x", "a", "polluted", "$delete"]) expect(({} as Plain)[name]).toBeUndefined();
  return found;
}

/** Counts the objects, arrays and other values in a value, without recursion, because it may be nested too deeply. */
export function sizeOf(value: unknown): number {
  let size = 0;
  for (const waiting = [value]; waiting.length > 0; size++) {
    const next = waiting.pop();
    if (isContainer(next)) for (const inner of Object.values(next)) waiting.push(inner);
  }
  return size;
}
