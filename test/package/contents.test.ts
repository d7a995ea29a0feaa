import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, it } from "vitest";
import { exec } from "./exec.ts";

type Manifest = { exports: Record<string, { types: string; import: string }>; bin: string };

describe("the tarball", async () => {
  const tarball = inject("tarball");
  const listing = await exec("tar", ["tzf", tarball], { cwd: inject("folder") });
  const files = listing
    .trim()
    .split("\n")
    .map((path) => path.replace("package/", ""));

  it("has each entry point, with its types", async () => {
    const text = await exec("tar", ["xzOf", tarball, "package/package.json"], { cwd: inject("folder") });
    const { exports, bin } = JSON.parse(text) as Manifest;
    expect(Object.keys(exports)).toEqual([
      ".",
      "./worlds",
      "./client",
      "./netcode",
      "./react",
      "./vue",
      "./svelte",
      "./solid",
      "./signals",
      "./client-file",
      "./inspector",
      "./testing",
      "./cli",
      "./lite",
    ]);
    const named = Object.values(exports).flatMap((entry) => [entry.types, entry.import]);
    expect(files).toEqual(expect.arrayContaining([...named.map((path) => path.replace("./", "")), bin]));
  });

  it("has types and a source map, with the sources in it, for each module", async () => {
    const modules = files.filter((path) => /^dist\/.*\.js$/.test(path));
    expect(modules.length).toBeGreaterThan(100);
    for (const path of modules) {
      expect(files).toContain(path.replace(/\.js$/, ".d.ts"));
      expect(files).toContain(`${path}.map`);
    }
    const map = JSON.parse(
      await exec("tar", ["xzOf", tarball, "package/dist/client/client.js.map"], { cwd: inject("folder") }),
    ) as { sourcesContent: string[] };
    expect(map.sourcesContent).toEqual([readFileSync(join(import.meta.dirname, "../../src/client/client.ts"), "utf8")]);
  });

  it("contains only the modules, the templates and the documentation", () => {
    const others = files.filter(
      (path) =>
        !/^(dist|src\/templates)\//.test(path) &&
        !/^(docs\/((reference|skill)\/)?)?[A-Za-z-]+\.(md|svg|txt)$/.test(path),
    );
    expect(others.toSorted()).toEqual(["LICENSE", "package.json"]);
    expect(
      files.filter((path) => /demo|(?<!^src\/templates\/\w+\/)test\/|\.dev\.vars|node_modules/.test(path)),
    ).toEqual([]);
  });
});
