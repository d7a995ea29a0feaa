// Prints how many bytes each part of the Worker of one small room, and of the client, costs (`npm run size:parts`): the
// gzipped bundle is built again with empty classes in place of everything that the part's modules export. Needs dist.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minimalRoom } from "./minimal-room.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
/** A module belongs to the first part whose pattern matches its path. */
const WORKER = {
  Hono: /node_modules\/hono\//,
  "rxjs, tslib and `@signe/reactive`": /node_modules\/(rxjs|tslib|@signe)\//,
  "Binary protocol": /dist\/(protocol\/binary|room\/sync\/binary|room\/connections\/own-frames)/,
  "Flow control": /dist\/platform\/flow-control/,
  "State: tree, signals, values, checks": /dist\/state\//,
  "Storage: rows, journal, reading, quarantine": /dist\/room\/storage\//,
  "Sync: views, visibility, resume, JSON": /dist\/room\/sync\//,
  "Sessions and presence": /dist\/room\/sessions\//,
  "Connections and their waiting data": /dist\/(room\/connections|platform\/waiting-budget)/,
  "Actions and inputs": /dist\/room\/actions\//,
  "Requests and routes": /dist\/room\/requests\//,
  "Alarms, schedules, lifecycle": /dist\/room\/(timing|schedules|lifecycle)/,
};
const CLIENT = {
  partysocket: /node_modules\/partysocket\//,
  "Binary protocol": /dist\/(protocol\/binary|client\/frame)/,
  "Confirmations of flow control": /dist\/client\/confirmations/,
  "Reasons of failed attempts": /dist\/client\/(connect-failure|address|network)/,
  "Predictions, calls, waiting messages": /dist\/client\/(predictions|calls|send-queue|sent-emits|unheard)/,
  "Ids in storage, tabs": /dist\/client\/(session-id|tab-storage|separate-tabs|random-id)/,
  "Worlds and finding rooms": /dist\/client\/(ask-world|find-room|found-destination|world-destination)/,
  "State: store, sharing, resume": /dist\/client\/(store|structural-sharing|sync-position|follow)|dist\/protocol/,
};

/** A module that exports the same names, all of them as empty classes. */
function emptied(path) {
  const code = readFileSync(path, "utf8");
  const listed = [...code.matchAll(/export \{([^}]*)\}/g)].flatMap(([, names]) => names.split(","));
  const declared = [...code.matchAll(/export (?:async )?(?:class|const|let|var|function\*?) (\w+)/g)].map(
    ([, name]) => name,
  );
  const names = new Set(
    [
      ...listed.map((name) =>
        name
          .trim()
          .split(/\s+as\s+/)
          .at(-1),
      ),
      ...declared,
    ].filter(Boolean),
  );
  const reexports = [...code.matchAll(/export \* from [^;\n]+/g)].map(([text]) => text);
  return `const Empty = class {};\nexport { ${[...names].map((name) => `Empty as ${name}`).join(", ")} };\n${reexports.join("\n")}`;
}

/** @param isLeftOut whether the module at a path is replaced by an empty one */
async function size(contents, isLeftOut) {
  const empty = {
    name: "empty",
    setup({ onLoad }) {
      onLoad({ filter: /\.m?js$/ }, ({ path }) =>
        isLeftOut(path) ? { contents: emptied(path), loader: "js" } : undefined,
      );
    },
  };
  const define = Object.fromEntries(["", "globalThis."].map((at) => [`${at}process.env.NODE_ENV`, '"production"']));
  const { outputFiles } = await build({
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
    conditions: ["workerd"],
    external: ["cloudflare:*"],
    stdin: { contents, resolveDir: root },
    plugins: [empty],
    define,
    logLevel: "error",
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length / 1024;
}

async function report(title, contents, parts) {
  const partOf = (path) => Object.entries(parts).find(([, pattern]) => pattern.test(path))?.[0];
  const all = await size(contents, () => false);
  console.log(`| ${title} | ${all.toFixed(1)} |\n| --- | --- |`);
  let rest = all;
  for (const name of Object.keys(parts)) {
    const part = all - (await size(contents, (path) => partOf(path) === name));
    rest -= part;
    console.log(`| ${name} | ${part.toFixed(1)} |`);
  }
  console.log(`| The rest | ${rest.toFixed(1)} |\n`);
}

await report("Worker of one small room, KB", minimalRoom(), WORKER);
await report("`durable-rooms/client`, KB", 'export * from "./dist/client/index.js"', CLIENT);
