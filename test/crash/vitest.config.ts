import { defineConfig } from "vitest/config";

/**
 * Kills a service with real sockets and storage on disk 100 times: `npm run test:crash`. CRASH_KILLS sets the number of
 * kills. CRASH_SEED repeats the load and the moments of a run.
 */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    environment: "node",
    include: ["*.test.ts", "*.crash.ts"],
    env: { CRASH_KILLS: process.env["CRASH_KILLS"] ?? "100" },
  },
});
