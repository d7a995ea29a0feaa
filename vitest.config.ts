import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";
import type { Plugin } from "vitest/config";
import { PAGES, writeExamples } from "./test/docs/extract.ts";
import { hideExpectedErrors } from "./test/support/expected-errors.ts";

// Wrangler's own settings: the secrets of the tests, and no word about where they were found.
process.env["AUTH_JWT_SECRET"] = "a secret of the tests, 32 bytes or more";
process.env["SHARD_SECRET"] = "a secret of the tests' shards";
process.env["WRANGLER_LOG"] ??= "warn";
// What workerd says is written by this process.
hideExpectedErrors();

/** The longest that a test may take, in ms. It only ends tests that hang: on a slow machine some take 20 seconds. */
const LIMIT = 120_000;

interface Project {
  readonly name: string;
  readonly include: string[];
  readonly exclude?: string[];
  /** Where clients connect to. */
  readonly via?: "room" | "shard";
  readonly isolate?: boolean;
  readonly setupFiles?: string[];
}

/** `CROWD_RUNS=2000 CROWD_SEED=7 CROWD_STEPS=120 npx vitest run --project room crowd.test.ts` is a long form. */
const { CROWD_RUNS, CROWD_SEED, CROWD_PATH, CROWD_STEPS } = process.env;
const crowd = {
  runs: {
    ...(CROWD_RUNS && { numRuns: Number(CROWD_RUNS) }),
    ...(CROWD_SEED && { seed: Number(CROWD_SEED) }),
    ...(CROWD_PATH && { path: CROWD_PATH }),
  },
  steps: CROWD_STEPS ? Number(CROWD_STEPS) : undefined,
  timeout: CROWD_RUNS ? 3_600_000 : LIMIT,
};

function project({ name, include, exclude = [], via = "room", isolate = false, setupFiles = [] }: Project) {
  return {
    plugins: [cloudflareTest({ main: "./test/worker.ts", wrangler: { configPath: "./wrangler.toml" } })],
    test: {
      name,
      include,
      // The benchmark installs its peers below `test`, with tests of their own.
      exclude: ["**/node_modules/**", "test/{browser,fixture,examples,package,cli,crash,dev}/**", NODE, ...exclude],
      testTimeout: LIMIT,
      // Rooms are in parties of their own, so most files leave nothing behind that another one could meet.
      isolate,
      setupFiles,
      // The long form has 10,000: `NETCODE_RUNS=10000 npx vitest run --project client test/netcode/predict.test.ts`.
      provide: { via, netcodeRuns: Number(process.env["NETCODE_RUNS"] ?? 40), crowd },
    },
  };
}

/** With fake timers, which objects that another file left would meet. */
const CLIENTS = ["test/{client,netcode,react}/*.test.ts"];

/** What reaches a room through clients that count packets. */
const BINARY = [
  "test/room/sync/{broadcast,hidden-collections,manual-sync,resume}.test.ts",
  "test/property/nested.test.ts",
];
/** What reaches a room over sockets or HTTP, and may do so through a shard. */
const AT_SHARDS = ["test/room/**/!(broadcast|response|own-frames).test.ts", "test/property/real-object.test.ts"];
const BINARY_AT_SHARDS = ["test/room/sync/{hidden-collections,manual-sync}.test.ts"];
const ALL_BINARY = ["test/{room,property,attacks}/**/!(own-frames).test.ts"];

/** About files of the project, which only Node can see. */
const FILES = ["architecture", "binary-frame", "bytes", "links", "wrangler", "examples", "upstream-cases"].map(
  (name) => `test/docs/${name}.test.ts`,
);

/** What needs a workerd of its own, or a clock that runs while code does: in a Worker it stands still. */
const NODE = "test/**/*.node.test.ts";

/** Examples of the documents are there before the tests that import them, and follow the pages in watch mode. */
const examples: Plugin = {
  name: "examples",
  configureServer({ watcher }) {
    writeExamples();
    watcher.add(globSync(PAGES)).on("change", (path) => path.endsWith(".md") && writeExamples());
  },
};

export default defineConfig({
  plugins: [examples],
  test: {
    silent: "passed-only",
    // A dot for each test, and all about those that fail. `--reporter=default` names the files.
    reporters: ["dot"],
    // Most tests wait for timers and sockets: with one worker for each core, a third of the time no core works.
    maxWorkers: availableParallelism() + 2,
    projects: [
      project({ name: "room", include: ["test/**/*.test.ts"], exclude: [...CLIENTS, ...FILES] }),
      project({ name: "client", include: CLIENTS, isolate: true }),
      // What reaches rooms over sockets or HTTP runs once more, with clients at a shard of the room.
      project({
        name: "shard",
        include: [...AT_SHARDS, "test/client/connect-resume.test.ts"],
        via: "shard",
      }),
      // The clients of protocol 2 speak protocol 3. With BINARY=all more does, also at shards: `npm run test:binary`.
      project({
        name: "binary",
        include: process.env["BINARY"] === "all" ? ALL_BINARY : BINARY,
        setupFiles: ["test/support/protocol-3.ts"],
      }),
      project({
        name: "binary shard",
        include: process.env["BINARY"] === "all" ? AT_SHARDS : BINARY_AT_SHARDS,
        via: "shard",
        setupFiles: ["test/support/protocol-3.ts"],
      }),
      // What runs in Node: the commands, and what looks at the documents as files.
      { test: { name: "cli", include: ["test/cli/*.test.ts", NODE, ...FILES], testTimeout: LIMIT } },
      // A workerd of its own, which is killed a few times.
      { test: { name: "crash", environment: "node", include: ["test/crash/*.test.ts"] } },
    ],
  },
});
