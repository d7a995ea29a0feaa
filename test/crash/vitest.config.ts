import { defineConfig } from "vitest/config";

/**
 * A service on real sockets, with storage on disk, that is killed 100 times: `npm run test:crash`. CRASH_KILLS says
 * how often, CRASH_SEED repeats the load and the moments of a run.
 */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    environment: "node",
    include: ["*.test.ts", "*.crash.ts"],
    env: { CRASH_KILLS: process.env["CRASH_KILLS"] ?? "100" },
  },
});
