import { env as workerEnv } from "cloudflare:workers";
import type { Build } from "../protocol/build.ts";
import type { RoomMetrics, ShardMetrics } from "../platform/metrics.ts";
import type { Introduction, Receipt, RoomBatch, ShardBatch } from "../relay/messages.ts";
import type { CallAnswer, RoomCall } from "../room/actions/room-calls.ts";
import type { ListingReport } from "../room/listing/report.ts";
import type { RecallAnswer, TransferAnswer, TransferredUser } from "../room/transfers/messages.ts";
import type { Assignment, LocationHint } from "../world/assignment.ts";
import type { Jurisdiction } from "../platform/jurisdiction.ts";

/** The Durable Object bindings that the service uses, by their names in `wrangler.toml`. */
const CLASSES = { ROOMS: "RoomObject", WORLDS: "WorldObject", SHARDS: "ShardObject" } as const;
export type Binding = keyof typeof CLASSES;

/** The bindings that a service needs without Worlds, and with Worlds. */
export const ROOM_BINDINGS: readonly Binding[] = ["ROOMS"];
export const WORLD_BINDINGS: readonly Binding[] = ["ROOMS", "WORLDS", "SHARDS"];

/** The calls of other objects of the service to a room. Clients cannot make them directly. */
export interface RoomCalls {
  relay(batch: ShardBatch): Promise<Receipt>;
  board(user: TransferredUser): Promise<TransferAnswer>;
  recall(transferId: string, sessionId: string, isKept?: boolean): Promise<RecallAnswer>;
  arrived(transferId: string, sessionId: string, sub: string | undefined): Promise<void>;
  call(call: RoomCall): Promise<CallAnswer>;
  listed(worldId: string, isMade?: boolean): Promise<ListingReport | null>;
  metrics(): Promise<RoomMetrics>;
}

/** The calls of other objects of the service to a shard. */
export interface ShardCalls {
  introduce(boot: string): Promise<Introduction | undefined>;
  deliver(batch: RoomBatch): Promise<Receipt>;
  assign(assignment: Assignment): Promise<void>;
  retire(): Promise<void>;
  metrics(): Promise<ShardMetrics>;
}

interface Fetcher {
  fetch(input: Request | string, init?: RequestInit): Promise<Response>;
}

/** The calls of the objects behind each binding. A World is a room itself. */
export interface Stubs {
  readonly ROOMS: RoomCalls & Fetcher;
  readonly WORLDS: RoomCalls & Fetcher;
  readonly SHARDS: ShardCalls & Fetcher;
}

/** A namespace of objects, as the platform provides it. */
export interface Namespace<T> {
  idFromName(name: string): unknown;
  get(id: unknown, options?: { locationHint: LocationHint }): T;
  /** @throws Error if the platform has no jurisdictions */
  jurisdiction(name: Jurisdiction): Namespace<T>;
}

/**
 * Checks that the Worker has the bindings that a service needs.
 * @throws Error that names those that are missing; in development and in tests also what to write into `wrangler.toml`
 */
export function assertBindings(needed: readonly Binding[], bound: object = workerEnv): void {
  const missing = needed.filter((name) => !(name in bound));
  if (missing.length === 0) return;
  let message = `Missing Durable Object binding ${missing.join(", ")}`;
  if ((globalThis as Build).process?.env?.NODE_ENV !== "production")
    message += `. Add to wrangler.toml:\n${settingsOf(missing, missing.length === needed.length)}`;
  throw new Error(message);
}

/** @param isFirst whether the Worker has no bindings of the service yet */
function settingsOf(missing: readonly Binding[], isFirst: boolean): string {
  const bindings = missing.map(
    (name) => `[[durable_objects.bindings]]\nname = "${name}"\nclass_name = "${CLASSES[name]}"`,
  );
  const classes = missing.map((name) => `"${CLASSES[name]}"`).join(", ");
  // A migration that was deployed must not be changed.
  const tag = isFirst ? "v1" : "v2";
  return `${bindings.join("\n")}\n[[migrations]]\ntag = "${tag}"\nnew_sqlite_classes = [${classes}]`;
}
