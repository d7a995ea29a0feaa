import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

// Wrangler's own settings: the secrets of the tests, and no word about where they were found.
process.env["AUTH_JWT_SECRET"] = "a secret of the tests, 32 bytes or more";
process.env["SHARD_SECRET"] = "a secret of the tests' shards";
process.env["WRANGLER_LOG"] ??= "warn";

function project(via: "room" | "shard", include: string[]) {
  return {
    plugins: [cloudflareTest({ main: "./test/worker.ts", wrangler: { configPath: "./wrangler.toml" } })],
    test: {
      name: via,
      include,
      exclude: ["test/browser/**", "test/fixture/**"],
      testTimeout: 20_000,
      // No test leaves anything behind that another one could meet: rooms are in parties of their own.
      isolate: false,
      provide: { via },
    },
  };
}

export default defineConfig({
  test: {
    silent: "passed-only",
    projects: [
      project("room", ["test/**/*.test.ts"]),
      // What reaches rooms over sockets or HTTP runs once more, with clients at a shard of the room.
      project("shard", ["test/room/!(broadcast|response).test.ts", "test/property/real-object.test.ts"]),
    ],
  },
});
