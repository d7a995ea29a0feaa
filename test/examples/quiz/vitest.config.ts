import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

process.env["SHARD_SECRET"] = "any text, for the tests";

export default defineConfig({
  test: { testTimeout: 20_000 },
  plugins: [cloudflareTest({ main: "./test/worker.ts", wrangler: { configPath: "./wrangler.toml" } })],
});
