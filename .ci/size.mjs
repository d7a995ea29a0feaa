// Prints the sizes of what users deploy or load, and fails if one exceeds its limit. Needs dist and dist-worker.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minimalRoom } from "./minimal-room.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Packages that must never reach a browser. */
const SERVER_ONLY = /node_modules\/(zod|hono|jose|rxjs|@signe|commander|ws)\//;
const WORLDS = 'import { worlds } from "./dist/worlds.js";';
const INSPECTOR = 'import { inspector } from "./dist/inspector/index.js";';
const withAuth = minimalRoom(', auth: jwt({ secret: "AUTH_JWT_SECRET" })');
const withWorlds = WORLDS + minimalRoom(", world: worlds()");
const inspected = WORLDS + INSPECTOR + minimalRoom(", world: worlds(), inspector");
/** Builds the demo without its inspector. */
const uninspected = {
  name: "uninspected",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/inspector\/index\.ts$/ }, () => ({ path: "none", namespace: "none" }));
    onLoad({ filter: /none/, namespace: "none" }, () => ({ contents: "export const inspector = undefined" }));
  },
};

/** @returns the code, and the files that it contains, with the largest first */
async function bundle(contents, external, plugins = []) {
  const options = { bundle: true, minify: true, format: "esm", metafile: true, write: false, conditions: ["workerd"] };
  // As `wrangler deploy` does, which leaves out code for development.
  const define = Object.fromEntries(["", "globalThis."].map((at) => [`${at}process.env.NODE_ENV`, '"production"']));
  const stdin = { contents, resolveDir: root };
  const { outputFiles, metafile } = await build({ ...options, stdin, external, plugins, define, logLevel: "warning" });
  const [{ inputs }] = Object.values(metafile.outputs);
  const used = Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  const parts = used.toSorted(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput);
  return { code: Buffer.from(outputFiles[0].contents), parts: parts.map(([path]) => path) };
}

function demoWorker() {
  const names = readdirSync(`${root}dist-worker`).filter((name) => name.endsWith(".js"));
  return { code: Buffer.concat(names.map((name) => readFileSync(`${root}dist-worker/${name}`))), parts: [] };
}

let isTooMuch = false;
function report(name, { code, parts }, limitKb, forbidden) {
  const kb = gzipSync(code, { level: 9 }).length / 1024;
  const largest = parts.slice(0, 3).map((path) => path.replace(/.*node_modules\//, ""));
  const details = largest.length > 0 ? `; most of it: ${largest.join(", ")}` : "";
  console.log(`${name}: ${kb.toFixed(1)} KB minified and gzipped (limit ${limitKb} KB)${details}`);
  const wrong = forbidden ? parts.filter((path) => forbidden.test(path)) : [];
  for (const path of wrong) console.error(`  must not be in it: ${path}`);
  isTooMuch ||= kb > limitKb || wrong.length > 0;
}

report("Worker of the demo", demoWorker(), 189.3);
report(
  "Worker of the demo, without its inspector",
  await bundle(
    'export * from "./src/demo/worker.ts"; export { default } from "./src/demo/worker.ts"',
    ["cloudflare:*"],
    [uninspected],
  ),
  158.5,
);
report("Worker of one small room, with Worlds", await bundle(withWorlds, ["cloudflare:*"]), 116.2);
report("Worker of one small room, with Worlds and the inspector", await bundle(inspected, ["cloudflare:*"]), 152.3);
report("Worker of one small room, with auth", await bundle(withAuth, ["cloudflare:*"]), 78.6);
report(
  "Worker of one small room",
  await bundle(minimalRoom(), ["cloudflare:*"]),
  70.0,
  // A small room must not contain these parts, nor code for development.
  /dist\/(world|shard|relay|room\/shards\/(?!no-)|room\/sessions\/removed|platform\/object-report|app\/world|auth\/operators|\w+\/(check-|broken|development|postponed))|node_modules\/(zod|jose)\//,
);
report("durable-rooms/client", await bundle('export * from "./dist/client/index.js"', []), 14.0, SERVER_ONLY);
const connectOnly = 'export { connectRoom } from "./dist/client/index.js"';
report("durable-rooms/client, connectRoom alone", await bundle(connectOnly, []), 13.0, SERVER_ONLY);
report("durable-rooms/netcode", await bundle('export * from "./dist/netcode/index.js"', []), 3.5, SERVER_ONLY);
const useRoom = 'export { useRoom } from "./dist/react/index.js"';
report("durable-rooms/react, useRoom alone", await bundle(useRoom, ["react"]), 1, SERVER_ONLY);
report(
  "durable-rooms/react, with the client",
  await bundle('export { useRoom, useRoomClient } from "./dist/react/index.js"', ["react"]),
  14.3,
  SERVER_ONLY,
);
report(
  "durable-rooms/react, with the client and the netcode",
  await bundle('export * from "./dist/react/index.js"', ["react"]),
  17.0,
  SERVER_ONLY,
);
const frameworks = ["vue", "svelte/store", "solid-js", "@signe/reactive"];
for (const name of ["vue", "svelte", "solid", "signals"]) {
  const entry = `export * from "./dist/frameworks/${name}.js"`;
  report(`durable-rooms/${name}`, await bundle(entry, frameworks), 1, SERVER_ONLY);
}
const clientFile = 'export * from "./dist/client/client-file.js"';
report("durable-rooms/client-file, in a Worker", await bundle(clientFile, []), 14.3);
if (isTooMuch) process.exit(1);
