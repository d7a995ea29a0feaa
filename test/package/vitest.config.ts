import { defineConfig } from "vitest/config";

/**
 * Tests the packed tarball as its users would: `npm run test:package`, after a build. With LONG=1 it runs tests that
 * take minutes.
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
