// Bundles the packages that only the commands need into dist, so that users of the library do not have to install them.
import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const module = "dist/cli/libraries.js";
const licences = ["commander", "ws"].map((name) => {
  const text = readFileSync(`node_modules/${name}/LICENSE`, "utf8").trim();
  return `${name}\n\n${text}\n`;
});
writeFileSync("dist/cli/LICENSES.txt", licences.join(`\n${"-".repeat(80)}\n\n`));
await build({
  entryPoints: [module],
  outfile: module,
  allowOverwrite: true,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  minify: true,
  sourcemap: true,
  // These packages are CommonJS, and require modules of Node.
  banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  logLevel: "warning",
});
