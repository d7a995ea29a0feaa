import type { AnyRoute } from "../define/routes.ts";
import { BALANCINGS } from "./balancing.ts";
import type { Balancing } from "./balancing.ts";
import { isPlain } from "../protocol/values.ts";
import type { WorldRequests } from "./own-routes.ts";

/** What `worlds` takes. */
export interface WorldConfig<R = Readonly<Record<string, unknown>>> {
  /** The ids of the Worlds that exist. Default: any id, so that a request with a new id makes a new World. */
  readonly ids?: readonly string[];
  /** Sockets that a shard holds at most, unless its room was registered with a number of its own. Default 75. */
  readonly shardCapacity?: number;
  /** How clients are spread, unless their room was registered with a way of its own. Default `"round-robin"`. */
  readonly balancing?: Balancing;
  /**
   * Rooms that a World knows at once, and rooms that it lists. Default 10,000, which is also the most: take more
   * Worlds for more rooms.
   */
  readonly maxRooms?: number;
  /** Active shards that a room has at most: a room can be registered with fewer, never with more. Default 100. */
  readonly maxShards?: number;
  /** How often one client address may ask for a shard or a room in a time (ms). Default 60 in 10,000. */
  readonly connectRate?: { readonly requests: number; readonly per: number };
  /** How long in ms an empty shard, and then a room that was never registered, is kept. Default 300,000. */
  readonly roomIdle?: number;
  /**
   * Routes of your own, beside those of the World, at `/parties/world/:world/…`. They are like the `requests` of a room: users'
   * tokens are checked, `state` is what the World knows, and `room` has its id and its `storage`. Default: none.
   */
  readonly requests?: WorldRequests<R>;
}

/** A configuration with defaults filled in. */
export type WorldSettings = Required<Omit<WorldConfig, "ids" | "requests">> &
  Pick<WorldConfig, "ids"> & { readonly requests?: Readonly<Record<string, AnyRoute>> };

/** How long a reserved place is kept for its client. ms */
export const RESERVATION_LIFE = 30_000;
/** A shard that has not reported for this long is gone. ms */
export const SHARD_SILENCE = 300_000;
/** How often a World looks for what can be removed. ms */
export const SWEEP_INTERVAL = 60_000;
/** A room whose report is older than this is asked before a user is sent there. ms */
export const LISTING_TRUST = 60_000;
/** A listed room with users that has not reported for this long is asked whether it is still there. ms */
export const LISTING_SILENCE = 3_600_000;
/** The Worker's secret that shards prove themselves with. */
export const SECRET_NAME = "SHARD_SECRET";
/** Shards of a World at most, for what clients may bring about: more would not fit into its memory. */
export const MOST_SHARDS = 15_000;
/** An object cannot hold more: https://developers.cloudflare.com/durable-objects/best-practices/websockets/ */
export const MOST_SOCKETS = 32_768;

const DEFAULTS: WorldSettings = {
  shardCapacity: 75,
  balancing: "round-robin",
  maxRooms: 10_000,
  maxShards: 100,
  connectRate: { requests: 60, per: 10_000 },
  roomIdle: 300_000,
};

/** Every option, with what it has to be. */
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
 * Fills in defaults.
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
