import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CASES } from "../bench/byte-cases.ts";

const document = readFileSync(join(import.meta.dirname, "../../docs/benchmarks.md"), "utf8");

describe("docs/benchmarks.md says how many bytes a client gets:", () => {
  it.each(CASES)("$title", async ({ title, target, measure }) => {
    const { json, binary } = await measure();
    expect(binary).toBeLessThanOrEqual(target);
    const row = document.split("\n").find((line) => line.startsWith(`| ${title} |`));
    const [, , inJson, inBinary] = row?.split("|").map((cell) => Number(cell.replaceAll(",", ""))) ?? [];
    // The names of runs and tables can differ in length, so the numbers vary a little.
    expect(Math.abs(json / (inJson ?? 0) - 1)).toBeLessThan(0.02);
    expect(Math.abs(binary / (inBinary ?? 0) - 1)).toBeLessThan(0.02);
  });
});
