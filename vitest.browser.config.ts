import { defineConfig } from "vitest/config";

/** The demo in a real browser, against a real `wrangler dev`. Runs in Node, not in workerd. */
export default defineConfig({
  test: {
    include: ["test/browser/**/*.test.ts"],
    testTimeout: 90_000,
    hookTimeout: 90_000,
    fileParallelism: false,
  },
});
