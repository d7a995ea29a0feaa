import { defineConfig } from "vitest/config";

/** What memory a real workerd needs after minutes of attacks: `npm run test:soak`. SOAK_SECONDS says for how long. */
export default defineConfig({
  test: { root: import.meta.dirname, environment: "node", include: ["*.soak.ts"], hookTimeout: 60_000 },
});
