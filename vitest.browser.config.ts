import { defineConfig } from "vitest/config";

/**
 * Whole browsers against `wrangler dev`: `npm run test:browser`.
 * With SCREENSHOT=docs/demo.png it takes the picture of the README instead.
 */
export default defineConfig({
  test: {
    environment: "node",
    include: [process.env["SCREENSHOT"] ? "test/browser/screenshot.ts" : "test/browser/**/*.test.ts"],
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 60_000,
  },
});
