import type { AnyRoute } from "../define/routes.ts";
import { BALANCINGS } from "./balancing.ts";
import type { Balancing } from "./balancing.ts";
import { isPlain } from "../protocol/values.ts";
import type { WorldRequests } from "./own-routes.ts";

/** The options of `worlds`. All of them are optional. */
export interface WorldConfig<R = Readonly<Record<string, unknown>>> {
  /** The ids of the Worlds. Default: any id, so a request with a new id makes a new World. */
  readonly ids?: readonly string[];
  /**
   * The maximum number of connections of a shard, from 1 to 32,768, unless its room is registered with another number.
   * Default 75.
   */
  readonly shardCapacity?: number;
  /**
   * How clients are distributed over shards: `"round-robin"`, `"least-connections"`, `"random"` or `"nearest"`, unless
   * their room is registered with another strategy. Default `"round-robin"`.
   */
  readonly balancing?: Balancing;
  /**
   * The maximum number of rooms that a World knows, and of rooms that it lists, from 1 to 10,000. Use several Worlds
   * for more rooms. Default 10,000.
   */
  readonly maxRooms?: number;
  /**
   * The maximum number of active shards of a room, from 1 to 1000. A room can be registered with fewer. Default 100.
   */
  readonly maxShards?: number;
  /**
   * How many requests one client address may make for a shard or a room in `per` ms. Further ones get 429 with
   * `Retry-After`. Default `{ requests: 60, per: 10_000 }`.
   */
  readonly connectRate?: { readonly requests: number; readonly per: number };
  /**
   * How long an empty shard, and then a room that is not registered, is kept in ms, from 1000 to 86,400,000. Default
   * 300,000.
   */
  readonly roomIdle?: number;
  /**
   * Your own HTTP routes, besides those of the World, at `/parties/world/:world/…`. They work as the `requests` of a
   * room: users' tokens are verified, `state` is what the World knows, and `room` has its `id` and `storage`. Default:
   * none.
   */
  readonly requests?: WorldRequests<R>;
}

/** The options with their defaults. */
export type WorldSettings = Required<Omit<WorldConfig, "ids" | "requests">> &
  Pick<WorldConfig, "ids"> & { readonly requests?: Readonly<Record<string, AnyRoute>> };

/** How long a place is reserved for its client, in ms. */
export const RESERVATION_LIFE = 30_000;
/** A shard that has not reported for this long is removed, in ms. */
export const SHARD_SILENCE = 300_000;
/** How often a World looks for rooms and shards to remove, in ms. */
export const SWEEP_INTERVAL = 60_000;
/** A room with an older report is asked before a user is sent there, in ms. */
export const LISTING_TRUST = 60_000;
/** A listed room with users that has not reported for this long is asked whether it still exists, in ms. */
export const LISTING_SILENCE = 3_600_000;
/** The secret of the Worker that shards authenticate with. */
export const SECRET_NAME = "SHARD_SECRET";
/** The maximum number of shards of a World that clients can cause. More would not fit into its memory. */
export const MOST_SHARDS = 15_000;
/** The platform's limit of an object: https://developers.cloudflare.com/durable-objects/best-practices/websockets/ */
export const MOST_SOCKETS = 32_768;

const DEFAULTS: WorldSettings = {
  shardCapacity: 75,
  balancing: "round-robin",
  maxRooms: 10_000,
  maxShards: 100,
  connectRate: { requests: 60, per: 10_000 },
  roomIdle: 300_000,
};

/**
 * The checks of all options. Each returns the problem, or undefined.
 * @@// // Each takes some 3 KB Each room takes about 3 KB of memory, and each of its shards 4 KB, of the 128 MB of an
 * object.
 * @@// // Starting a shard is a call Starting a shard is a call, and a request can make 1000.
 */
const OPTIONS: Readonly<Record<keyof WorldConfig, (value: unknown) => string | undefined>> = {
  ids: (value) =>
    Array.isArray(value) && value.every((id) => typeof id === "string" && id !== "") ? undefined : " has to list ids",
  shardCapacity: whole(1, MOST_SOCKETS),
  balancing: (value) =>
    BALANCINGS.includes(value as Balancing) ? undefined : ` has to be one of ${BALANCINGS.join(", ")}`,
  // Each takes some 3 KB of memory, and each of its shards 4 KB, of the 128 MB that an object has.
  maxRooms: whole(1, 10_000),
  // Starting a shard is a call, and one request may make 1000.
  maxShards: whole(1, 1000),
  connectRate: checkRate,
  roomIdle: whole(1000, 86_400_000),
  requests: (value) => (isPlain(value) ? undefined : ' has to be an object, such as { "GET /top": { run } }'),
};

/**
 * Adds the defaults.
 * @throws Error that names the option and says what to do, if one is unknown or malformed
 */
export function checkWorldConfig<R>(config: WorldConfig<R>): WorldSettings {
  if (!isPlain(config)) throw new Error("createRooms: world has to be an object, such as { shardCapacity: 75 }");
  const given = Object.entries(config).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    if (!Object.hasOwn(OPTIONS, name)) {
      throw new Error(`createRooms: there is no option "world.${name}". Known: ${Object.keys(OPTIONS).join(", ")}`);
    }
    const problem = OPTIONS[name as keyof WorldConfig](value);
    if (problem) throw new Error(`createRooms: world.${name}${problem}`);
  }
  return { ...DEFAULTS, ...(Object.fromEntries(given) as Partial<WorldSettings>) };
}

function checkRate(value: unknown): string | undefined {
  if (!isPlain(value)) return " has to be an object, such as { requests: 60, per: 10000 }";
  const { requests, per, ...others } = value;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return ` has no "${unknown}". Known: requests, per`;
  return whole(1, 1_000_000)(requests, ".requests") ?? whole(1, 86_400_000)(per, ".per");
}

function whole(least: number, most: number): (value: unknown, inside?: string) => string | undefined {
  return (value, inside = "") =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
      ? undefined
      : `${inside} has to be a whole number from ${least} to ${most}`;
}
