import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

// Wrangler's own settings: the secret of the tests, and no word about where it was found.
process.env["AUTH_JWT_SECRET"] = "a secret of the tests, 32 bytes or more";
process.env["WRANGLER_LOG"] ??= "warn";

export default defineConfig({
  plugins: [
    cloudflareTest({
      main: "./test/worker.ts",
      wrangler: { configPath: "./wrangler.toml" },
    }),
  ],
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/browser/**", "test/fixture/**"],
    testTimeout: 20_000,
    silent: "passed-only",
  },
});
