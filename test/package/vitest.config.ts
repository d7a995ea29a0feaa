import { defineConfig } from "vitest/config";

/**
 * Tests the packed tarball as users would, after a build: `npm run test:package`. LONG=1 runs tests that take minutes.
 */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    environment: "node",
    include: [process.env["LONG"] ? "*.long.ts" : "*.test.ts"],
    globalSetup: "./pack.ts",
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
});
