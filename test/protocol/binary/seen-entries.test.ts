import { describe, expect, it, vi } from "vitest";
import { applyPatch } from "../../../src/protocol/apply-patch.ts";
import { written } from "../../../src/protocol/binary/bytes.ts";
import { FrameReader } from "../../../src/protocol/binary/frame-reader.ts";
import { writeSyncFrame } from "../../../src/protocol/binary/frames.ts";
import { SeenEncoder } from "../../../src/protocol/binary/seen-encoder.ts";
import type { ToldEntry } from "../../../src/protocol/binary/seen-encoder.ts";
import { readTables } from "../../../src/protocol/binary/tables.ts";
import { DELETE } from "../../../src/protocol/packets.ts";
import type { Plain } from "../../../src/protocol/values.ts";
import { put, Replacement } from "../../../src/state/diff.ts";

const tables = readTables([[["ships"], 1, [[["x"]], [["at", "z"]]]]]);

/** The state of a client after it was told these entries, window by window. */
function told(...windows: readonly (readonly ToldEntry[])[]): Readonly<Plain> {
  const encoder = new SeenEncoder([...tables.entries()]);
  const reader = new FrameReader();
  let state: Readonly<Plain> = {};
  for (const [number, entries] of windows.entries()) {
    encoder.begin();
    const changes = entries.filter(({ form }) => form === "change");
    encoder.assign("ships", changes, number, number - 1);
    const blocks = written((out) => {
      encoder.tell(out, "ships", reader);
      encoder.write(out, "ships", entries, put);
    });
    const { value } = reader.read(writeSyncFrame({}, blocks), state);
    state = applyPatch(state, value as Plain);
  }
  return state;
}

const whole = (): ToldEntry => ({ key: "a", form: "whole", value: { x: 1, at: { z: 1 }, other: true } });
const change = (x = 2): ToldEntry => ({ key: "a", form: "change", value: { x } });
const replaced = (): ToldEntry => ({ key: "a", form: "late", value: new Replacement({ x: 3 }) });

describe("P13.6: an entry that replaces another one", () => {
  it.each([
    ["whose slot nobody knows", [[whole()], [replaced()]]],
    ["whose slot is known", [[whole()], [change()], [replaced()]]],
    ["and changes after that", [[whole()], [change()], [replaced()], [change(3)]]],
  ])("has no values of the other one, %s", (_, windows) => {
    expect(told(...windows)).toEqual({ ships: { a: { x: 3 } } });
  });
});

describe("P13.9: the encoding of an entry", () => {
  const gone: ToldEntry = { key: "a", form: "gone", value: DELETE };

  it("that left, returned and left again is not confused with its previous slot", () => {
    const windows = [[whole()], [change()], [gone]];
    // `gone` is the same object as before, because a room keeps it with the entry.
    expect(told(...windows, [whole()], [gone])).toEqual({ ships: {} });
  });

  it("has a slot that nobody can predict from others, as the numbers of Math.random can be", () => {
    const random = vi.spyOn(Math, "random");
    const secure = vi.spyOn(crypto, "getRandomValues");
    expect(told([whole()], [change()])).toMatchObject({ ships: { a: { x: 2 } } });
    expect(random).not.toHaveBeenCalled();
    expect(secure).toHaveBeenCalledOnce();
    vi.restoreAllMocks();
  });

  it("is complete after another one could not be written", () => {
    const encoder = new SeenEncoder([...tables.entries()]);
    const write = (...entries: ToldEntry[]) => written((out) => encoder.write(out, "ships", entries, put));
    encoder.assign("ships", [change()], 0, -1);
    // All clients know the slot now.
    encoder.assign("ships", [], 1, 0);
    const expected = write(change(3));
    const broken: ToldEntry = {
      key: "b",
      form: "whole",
      get value(): unknown {
        throw new Error("broken");
      },
    };
    expect(() => write(change(2), broken)).toThrow("broken");
    expect(write(change(3))).toEqual(expected);
  });

  it("does not use the slots of another run", () => {
    // Both runs choose the same slot.
    vi.spyOn(crypto, "getRandomValues").mockImplementation((array) => array);
    const still = whole();
    expect(told([whole()], [change()], [still])).toMatchObject({ ships: { a: { x: 1 } } });
    const other = (x: number): ToldEntry => ({ key: "b", form: "change", value: { x } });
    expect(told([other(1)], [still], [other(2)])).toMatchObject({ ships: { a: { x: 1 }, b: { x: 2 } } });
    vi.restoreAllMocks();
  });
});
