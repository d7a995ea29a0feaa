import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { exec, ROOT } from "./exec.ts";

interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}
const { exports, devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Manifest;
const ENTRIES = Object.keys(exports).map((path) => path.replace(".", "durable-rooms"));

/** All strict options of TypeScript. */
const STRICTEST = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noFallthroughCasesInSwitch: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noPropertyAccessFromIndexSignature: true,
  noUncheckedIndexedAccess: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  isolatedModules: true,
  verbatimModuleSyntax: true,
  erasableSyntaxOnly: true,
  noEmit: true,
  target: "es2024",
  lib: ["es2024", "dom"],
  jsx: "react-jsx",
};
const RESOLUTIONS = { bundler: "esnext", nodenext: "nodenext" } as const;
const WORKER = new Set([
  "durable-rooms",
  "durable-rooms/lite",
  "durable-rooms/worlds",
  "durable-rooms/inspector",
  "durable-rooms/testing",
]);

describe("each entry point, in a fresh project", () => {
  const cwd = join(inject("folder"), "strict");
  const write = (name: string, text: string) => writeFileSync(join(cwd, name), text);

  beforeAll(async () => {
    mkdirSync(cwd);
    write("package.json", JSON.stringify({ private: true, type: "module" }));
    const tools = [
      "typescript",
      "@cloudflare/workers-types",
      "@cloudflare/vitest-pool-workers",
      "@types/react",
      "@types/node",
      "react",
      "solid-js",
      "svelte",
      "vue",
    ];
    const versions = tools.map((name) => `${name}@${devDependencies[name]}`);
    const flags = ["--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"];
    await exec("npm", ["install", ...flags, inject("tarball"), ...versions], { cwd });
    write("entries.ts", ENTRIES.map((entry, index) => `export * as e${index} from "${entry}";`).join("\n"));
    // The client in one file, as a page without a bundler would have it beside its own files.
    for (const name of ["durable-rooms.js", "durable-rooms.d.ts"])
      copyFileSync(join(cwd, "node_modules/durable-rooms/dist", name), join(cwd, name));
    write("page.ts", `export { connectRoom, type RoomClient } from "./durable-rooms.js";`);
    const types = ["node", "@cloudflare/workers-types", "@cloudflare/vitest-pool-workers/types"];
    for (const [moduleResolution, module] of Object.entries(RESOLUTIONS)) {
      const compilerOptions = { ...STRICTEST, moduleResolution, module, types, skipLibCheck: true };
      write(`tsconfig.${moduleResolution}.json`, JSON.stringify({ compilerOptions, files: ["entries.ts", "page.ts"] }));
    }
  });

  it.each(Object.keys(RESOLUTIONS))("passes the strictest type checks (%s)", async (moduleResolution) => {
    await exec("npx", ["tsc", "-p", `tsconfig.${moduleResolution}.json`], { cwd });
  });

  it.each(ENTRIES.filter((entry) => !WORKER.has(entry)))("%s can be required and imported", async (entry) => {
    const keys = "console.log(Object.keys(m).length > 0)";
    // Node 22 and later can load ES modules with require.
    const required = await exec(
      join(ROOT, "node_modules/node/bin/node"),
      ["-e", `const m = require("${entry}"); ${keys}`],
      { cwd },
    );
    const imported = await exec("node", ["--input-type=module", "-e", `import * as m from "${entry}"; ${keys}`], {
      cwd,
    });
    expect([required.trim(), imported.trim()]).toEqual(["true", "true"]);
  });
});
