import fc from "fast-check";
import { expect, it } from "vitest";
import { hostileFrames } from "../frames.ts";
import { readHostile } from "../read-frames.ts";

/** The total number of frames. */
const INPUTS = Number(process.env["FUZZ_INPUTS"] ?? 100_000);
const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);
/** The number of connections. Each of them gets several frames. */
const RUNS = Math.ceil(INPUTS / 4);

it(`${INPUTS} hostile binary frames to a client: it refuses what is malformed, and nothing else happens, seed ${SEED}`, () => {
  const found = { read: 0, refused: 0 };
  fc.assert(
    fc.property(hostileFrames, (frames) => {
      const { read, refused } = readHostile(frames);
      found.read += read;
      found.refused += refused;
    }),
    { numRuns: RUNS, seed: SEED },
  );
  expect(Math.min(found.read, found.refused)).toBeGreaterThan(RUNS / 10);
}, 600_000);
