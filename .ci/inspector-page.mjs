// Writes the inspector's page as text into src/inspector/assets.ts, so that a user's bundler does not have to handle a
// page. The file is not committed; `npm install` creates it.
import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const source = new URL("../src/inspector/", import.meta.url);
const path = (name) => new URL(name, source).pathname;
const { outputFiles } = await build({
  entryPoints: [path("page/main.ts"), path("page/style.css")],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  define: { "globalThis.process.env.NODE_ENV": '"production"' },
  outdir: path("page"),
  write: false,
  logLevel: "warning",
});
const textOf = (end) => outputFiles.find((file) => file.path.endsWith(end)).text.trim();
const assets = {
  html: readFileSync(path("page/index.html"), "utf8").replace(/\n\s*/g, "\n"),
  script: textOf("main.js"),
  style: textOf("style.css"),
};
// Declare the type: otherwise the declaration file would contain the whole text once more.
const lines = Object.entries(assets).map(([name, text]) => `export const ${name}: string = ${JSON.stringify(text)};\n`);
writeFileSync(path("assets.ts"), `// Made by .ci/inspector-page.mjs of what is in page.\n${lines.join("")}`);
