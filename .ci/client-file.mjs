// Bundles the client into one ESM file, for pages without a bundler. By default it becomes text in
// src/client/file-text.ts, for Workers that serve it; that file is not committed. With --file it becomes
// dist/durable-rooms.js, for a CDN.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const isFile = process.argv.includes("--file");
const { outputFiles } = await build({
  entryPoints: [`${root}src/client/index.ts`],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  define: { "globalThis.process.env.NODE_ENV": '"production"' },
  outfile: `${root}dist/durable-rooms.js`,
  sourcemap: isFile ? "linked" : false,
  write: isFile,
  logLevel: "warning",
});
// By its name, so that the types are found when both files are copied into a page's folder.
if (isFile) writeFileSync(`${root}dist/durable-rooms.d.ts`, 'export * from "durable-rooms/client";\n');
else {
  const { text } = outputFiles[0];
  const tag = `"${createHash("sha256").update(text).digest("base64url").slice(0, 16)}"`;
  // Declare the type: otherwise the declaration file would contain the whole text once more.
  const lines = Object.entries({ tag, text }).map(
    ([name, value]) => `export const ${name}: string = ${JSON.stringify(value)};\n`,
  );
  writeFileSync(`${root}src/client/file-text.ts`, `// Made by .ci/client-file.mjs of src/client.\n${lines.join("")}`);
}
