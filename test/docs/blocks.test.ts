import { describe, expect, it } from "vitest";

const documents = import.meta.glob(
  ["../../README.md", "../../CONTRIBUTING.md", "../../docs/*.md", "../../docs/skill/*.md"],
  {
    query: "?raw",
    import: "default",
    eager: true,
  },
);
const sources = import.meta.glob("./*.{ts,tsx}", { query: "?raw", import: "default", eager: true });
/** Code for other libraries, which is compiled where those are installed: with the benchmark's peers. */
const befores = import.meta.glob("../bench/peers/**/before-*.ts", { query: "?raw", import: "default", eager: true });
const modules = [...Object.values(sources), ...Object.values(befores)].map(plain);

/** Code as it counts here: without indentation, and without where the package is imported from. */
function plain(code: string): string {
  return code
    .replaceAll("../../src/testing/index.ts", "durable-rooms/testing")
    .replaceAll("../../src/inspector/index.ts", "durable-rooms/inspector")
    .replaceAll("../../src/client/index.ts", "durable-rooms/client")
    .replaceAll("../../src/client/client-file.ts", "durable-rooms/client-file")
    .replaceAll("../../src/react/index.ts", "durable-rooms/react")
    .replaceAll(/\.\.\/\.\.\/src\/frameworks\/(\w+)\.ts/g, "durable-rooms/$1")
    .replaceAll("../../src/netcode/index.ts", "durable-rooms/netcode")
    .replaceAll("../../src/worlds.ts", "durable-rooms/worlds")
    .replaceAll("../../src/index.ts", "durable-rooms")
    .replaceAll(/(from "\.[^"]*)\.tsx?"/g, '$1"')
    .split("\n")
    .map((line) => line.trim())
    .join("\n")
    .trim();
}

const blocks = Object.entries(documents).flatMap(([path, text]) =>
  [...text.matchAll(/^ *```(?:tsx?|typescript)\n([\s\S]*?)^ *```$/gm)].map((found) => [
    `${path.slice("../../".length)}:${text.slice(0, found.index).split("\n").length}`,
    plain(found[1] ?? ""),
  ]),
) as [where: string, code: string][];

describe("every ts, tsx and typescript block of the documents is in a module that is compiled", () => {
  it.each(blocks)("%s", (_, code) => {
    expect(code.length).toBeGreaterThan(20);
    // The whole block is in the message, beside the module that begins like it.
    const begun = modules.find((module) => module.includes(code.split("\n")[0] ?? ""));
    expect(modules.some((module) => module.includes(code)) || begun).toBe(true);
  });

  it("there are some", () => {
    expect(blocks.map(([where]) => where.replace(/:.*/, ""))).toEqual(
      expect.arrayContaining(["README.md", "docs/actions.md"]),
    );
  });
});
