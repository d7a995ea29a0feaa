import { defineConfig } from "vitest/config";

/** Rooms in the development servers of wrangler and Vite: `npm run test:dev`. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    environment: "node",
    include: ["*.test.ts"],
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 90_000,
  },
});
