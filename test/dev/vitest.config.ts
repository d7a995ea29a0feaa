import { defineConfig } from "vitest/config";

/** Rooms in development servers, those of wrangler and of Vite: `npm run test:dev`. */
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
