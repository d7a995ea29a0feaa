import { defineConfig } from "vitest/config";

/**
 * Measures the memory of a real workerd after minutes of attacks: `npm run test:soak`. SOAK_SECONDS is the duration.
 */
export default defineConfig({
  test: { root: import.meta.dirname, environment: "node", include: ["*.soak.ts"], hookTimeout: 60_000 },
});
