import { existsSync, globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { LAYERS, ROOM, TYPES_ONLY } from "../../oxlint.config.ts";

const root = resolve(import.meta.dirname, "../..");
const lines = readFileSync(join(root, "docs/architecture.md"), "utf8").split("\n");

/** The cells of a table row; none for any other line. */
function cellsOf(line: string): string[] {
  return line.startsWith("| ") ? line.split("|").slice(1, -1) : [];
}

/** All texts in backticks. */
function codeIn(text = ""): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
}

/** Whether a file that a line names exists: in the project, below `src`, or in the folder that the row is about. */
function isThere(name: string, line: string): boolean {
  const [folder = "src"] = codeIn(cellsOf(line)[0]);
  const folders = name.includes("/") ? [".", "src"] : [".", folder];
  return folders.some((path) => existsSync(join(root, path, name)));
}

/** The rows of the table with this header: the names in each cell, by the name in the first cell. */
function tableWith(head: string): ReadonlyMap<string | undefined, string[][]> {
  const start = lines.indexOf(head) + 2;
  const rows = lines.slice(start, lines.indexOf("", start));
  return new Map(rows.map((row) => cellsOf(row).map(codeIn)).map(([first = [], ...rest]) => [first[0], rest]));
}

describe("docs/architecture.md", () => {
  const named = lines.flatMap((line) =>
    codeIn(line)
      .filter((code) => /\.(ts|js|md|json|mjs)$/.test(code) || /^(src|test|docs|\.ci)\//.test(code))
      .map((name) => ({ name, line })),
  );

  it("names existing files and folders", () => {
    expect(named.length).toBeGreaterThan(200);
    // These files are not committed, or exist in several folders.
    const others = new Set(["assets.ts", "file-text.ts", "vitest.config.ts", "tsconfig.json"]);
    const unknown = named.filter(({ name, line }) => !others.has(name) && !isThere(name, line));
    expect(unknown.map(({ name }) => name)).toEqual([]);
  });

  it("names what the files contain", () => {
    const text = lines.join("\n");
    // Finds `file.ts` (`name`, `name`), and `name` in `file.ts`.
    const after = [...text.matchAll(/`([\w./-]+\.ts)` \(((?:`#?\w+`(?:, )?)+)\)/g)].flatMap(([, file = "", names]) =>
      codeIn(names).map((name) => ({ file, name })),
    );
    const before = [...text.matchAll(/`(#?\w+)` in `([\w./-]+\.ts)`/g)].map(([, name = "", file = ""]) => ({
      file,
      name,
    }));
    expect(after.length).toBeGreaterThan(10);
    expect(before.length).toBeGreaterThan(5);
    const isMissing = ({ file, name }: { file: string; name: string }) =>
      !readFileSync(join(root, "src", file), "utf8").match(new RegExp(`(?<![\\w#])${name}\\b`));
    expect([...after, ...before].filter(isMissing)).toEqual([]);
  });

  it("has a row for each folder of src and of src/room", () => {
    const folders = globSync(["src/*/", "src/room/*/"], { cwd: root }).map((path) => path.replace(/\/$/, ""));
    const rows = new Set(lines.flatMap((line) => codeIn(cellsOf(line)[0])));
    expect(folders.length).toBeGreaterThan(25);
    expect(folders.filter((folder) => !rows.has(folder))).toEqual([]);
  });

  it("has the layers that the lint rules enforce", () => {
    const written = Object.fromEntries(tableWith("| layer | may import | types only |"));
    const enforced = Object.entries(LAYERS).map(([name, allowed]) => {
      const others = allowed.filter((layer) => layer !== name);
      return [name, [others, TYPES_ONLY[name] ?? []]];
    });
    expect(written).toEqual(Object.fromEntries(enforced));
  });

  it("has the allowed imports of the room's folders", () => {
    const written = Object.fromEntries(tableWith("| folder of the room | may import |"));
    expect(written).toEqual(Object.fromEntries(Object.entries(ROOM).map(([name, allowed]) => [name, [allowed]])));
  });
});
