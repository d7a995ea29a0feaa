import { env } from "cloudflare:workers";

/** The Durable Object bindings that the service uses, by their names in `wrangler.toml`. */
const BINDINGS = ["ROOMS"] as const;

/**
 * Checks that the Worker has the bindings that rooms need.
 * @throws Error that says what to write into `wrangler.toml`
 */
export function assertBindings(bound: object = env): void {
  const missing = BINDINGS.filter((name) => !(name in bound));
  if (missing.length === 0) return;
  throw new Error(
    `Missing Durable Object binding ${missing.join(", ")}. Add to wrangler.toml:\n` +
      `[[durable_objects.bindings]]\nname = "ROOMS"\nclass_name = "RoomObject"\n` +
      `[[migrations]]\ntag = "v1"\nnew_sqlite_classes = ["RoomObject"]`,
  );
}
