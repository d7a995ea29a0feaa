import { defineConfig } from "vitest/config";

const { SCREENSHOTS: screenshots, EXAMPLES: examples, LONG: long } = process.env;
const file = screenshots ? "screenshots.ts" : examples ? "examples.ts" : long ? "*.long.ts" : "*.test.ts";

/**
 * Real browsers against `wrangler dev`: `npm run test:browser`.
 * With LONG=1 it runs tests that take minutes: `npm run test:browser:long`.
 * With SCREENSHOTS=1 it takes the pictures of the documents instead: `npm run docs:screenshots`.
 * With EXAMPLES=<folder> it tests the examples that are installed there, as `.ci/examples` does.
 */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    environment: "node",
    include: [file],
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 60_000,
  },
});
