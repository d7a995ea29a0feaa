import { execFileSync } from "node:child_process";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");

/** The `@example` blocks of the docstrings. Blocks of internal code import by a path, and are not compiled. */
const examples = globSync("src/**/*.{ts,tsx}", {
  cwd: root,
  exclude: ["src/demo/**", "src/templates/**", "src/create/**"],
}).flatMap((file) => {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/@example\n((?: *\* ?.*\n)*?)(?= *\* @| *\*\/)/g)].map((found) => ({
    where: `${file}:${text.slice(0, found.index).split("\n").length}`,
    code: (found[1] ?? "").replaceAll(/^ *\* ?/gm, ""),
  }));
});
const shown = examples.filter(({ code }) => !code.includes('.ts"'));

/** A folder in `node_modules`, so that imports of packages are resolved. */
let folder: string;
let output = "";
beforeAll(() => {
  folder = mkdtempSync(join(root, "node_modules/.examples-"));
  cpSync(join(import.meta.dirname, "examples"), folder, { recursive: true });
  cpSync(join(import.meta.dirname, "browser-globals.d.ts"), join(folder, "browser-globals.d.ts"));
  shown.forEach(({ code }, index) => writeFileSync(join(folder, `example-${index}.ts`), `${code}\nexport {};\n`));
  const config = { extends: join(import.meta.dirname, "examples/tsconfig.json"), include: ["*.ts"], exclude: [] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  try {
    execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", folder, "--pretty", "false"], { encoding: "utf8" });
  } catch (error) {
    output = (error as { stdout: string }).stdout;
  }
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

it.each(shown.map(({ where }, index) => [where, index] as const))("the example at %s compiles", (_, index) => {
  expect(output.split("\n").filter((line) => line.includes(`example-${index}.ts`))).toEqual([]);
});

it("there are no other errors", () => {
  expect(shown.length).toBeGreaterThan(15);
  expect(output.split("\n").filter((line) => line !== "" && !line.includes("example-"))).toEqual([]);
});
