import { defineConfig } from "vitest/config";

/**
 * 100,000 hostile inputs over real sockets to a real workerd, and the same number of binary frames to a client: `npm
 * run test:fuzz`. FUZZ_INPUTS sets the number, and FUZZ_SEED repeats a run.
 */
export default defineConfig({
  test: { root: import.meta.dirname, environment: "node", include: ["*.fuzz.ts"], hookTimeout: 60_000 },
});
