import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const text = readFileSync(resolve(root, "docs/upstream-cases.md"), "utf8");

/** The rows of all tables: a case, a verdict, and a test or a reason. */
const rows = text
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| case |") && !line.startsWith("| --- |"))
  .map((line) => line.slice(2, -2).split(" | "));

const NAMED = /`(test\/[^`]+)`: "(.+)"$/;

describe("docs/upstream-cases.md", () => {
  it("has all cases, each with a verdict", () => {
    expect(rows.length).toBe(305);
    for (const [name = "", verdict = "", what = "", ...others] of rows) {
      expect(["same", "different", "not supported"], name).toContain(verdict);
      expect(
        [name, what].every((cell) => cell.trim() !== ""),
        name,
      ).toBe(true);
      expect(others, name).toEqual([]);
    }
  });

  it("names a test for each case that is the same", () => {
    for (const [name, verdict, what = ""] of rows) if (verdict === "same") expect(what, name).toMatch(NAMED);
  });

  it("names existing tests", () => {
    for (const [name, , what = ""] of rows) {
      const [, file, title = ""] = NAMED.exec(what) ?? [];
      if (file === undefined) continue;
      const path = resolve(root, file);
      expect(existsSync(path), `${name}: ${file}`).toBe(true);
      expect(readFileSync(path, "utf8").includes(title), `${name}: ${file} has "${title}"`).toBe(true);
    }
  });
});
