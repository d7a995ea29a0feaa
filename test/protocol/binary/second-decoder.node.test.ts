import { spawnSync } from "node:child_process";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteWriter } from "../../../src/protocol/binary/bytes.ts";
import { recordedFrames } from "./recorded-frames.ts";

const PROGRAM = join(import.meta.dirname, "decoder.py");
const hasPython = spawnSync("python3", ["--version"]).status === 0;

interface Found {
  readonly type: string;
  readonly state: unknown;
}

/** Runs the program on the frames of some connections. @returns what it finds in them */
function decode(connections: readonly (readonly Uint8Array[])[]): Found[][] {
  const input = JSON.stringify(connections.map((frames) => frames.map((frame) => Buffer.from(frame).toString("hex"))));
  const { status, stdout, stderr } = spawnSync("python3", [PROGRAM], { input, encoding: "utf8", maxBuffer: 2 ** 28 });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return JSON.parse(stdout) as Found[][];
}

/** The program was written from the document alone. If it reads all frames, the document is complete. */
describe.skipIf(!hasPython)("P13: a decoder in Python (skipped without python3)", () => {
  it("finds in each frame what JSON would contain, and has the same state afterwards", () => {
    fc.assert(
      // Decode many connections with one process, because starting one takes most of the time.
      fc.property(fc.array(recordedFrames, { minLength: 30, maxLength: 40 }), (connections) => {
        const found = decode(connections.map((frames) => frames.map(({ bytes }) => bytes)));
        const expected = connections.map((frames) =>
          frames.map(({ head, state }) => ({ type: "sync", ...head, state })),
        );
        expect(found).toEqual(expected);
      }),
      { numRuns: 4, endOnFailure: true },
    );
  });

  it("reads an acknowledgement", () => {
    const out = new ByteWriter();
    out.byte(2);
    out.varint(300);
    out.rest('{"id":"a","result":"ü"}');
    expect(decode([[out.take()]])).toEqual([[{ type: "ack", seq: 300, value: { id: "a", result: "ü" }, state: {} }]]);
  });
});
