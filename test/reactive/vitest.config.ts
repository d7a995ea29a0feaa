import { defineConfig } from "vitest/config";

/**
 * Runs the property tests of the state in Node, with the version of `@signe/reactive` that the environment names: `npm
 * run test:reactive`. The tests' `@signe/sync` uses the same version.
 */
const module = process.env["REACTIVE_MODULE"];
if (!module) throw new Error("Run npm run test:reactive, which sets REACTIVE_MODULE");

export default defineConfig({
  resolve: { alias: { "@signe/reactive": module } },
  test: {
    environment: "node",
    include: ["test/property/{convergence,evolution,hostile,isolation,nested,variants}.test.ts"],
    server: { deps: { inline: ["@signe/sync"] } },
    testTimeout: 120_000,
    silent: "passed-only",
  },
});
