import { env } from "cloudflare:workers";

/** The Durable Object bindings that the service uses, by their names in `wrangler.toml`. */
const CLASSES = { ROOMS: "RoomObject", WORLDS: "WorldObject", SHARDS: "ShardObject" } as const;
type Binding = keyof typeof CLASSES;

/** What rooms need, and what Worlds need beside it. */
export const ROOM_BINDINGS: readonly Binding[] = ["ROOMS"];
export const WORLD_BINDINGS: readonly Binding[] = ["ROOMS", "WORLDS", "SHARDS"];

/**
 * Checks that the Worker has the bindings that a service needs.
 * @throws Error that says what to write into `wrangler.toml`
 */
export function assertBindings(needed: readonly Binding[], bound: object = env): void {
  const missing = needed.filter((name) => !(name in bound));
  if (missing.length === 0) return;
  const bindings = missing.map(
    (name) => `[[durable_objects.bindings]]\nname = "${name}"\nclass_name = "${CLASSES[name]}"`,
  );
  const classes = missing.map((name) => `"${CLASSES[name]}"`).join(", ");
  throw new Error(
    `Missing Durable Object binding ${missing.join(", ")}. Add to wrangler.toml:\n${bindings.join("\n")}\n` +
      `[[migrations]]\ntag = "v1"\nnew_sqlite_classes = [${classes}]`,
  );
}
