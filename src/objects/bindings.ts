import { env as workerEnv } from "cloudflare:workers";
import type { RoomMetrics, ShardMetrics } from "../platform/metrics.ts";
import { objectName } from "../protocol/urls.ts";
import type { Introduction, Receipt, RoomBatch, ShardBatch } from "../relay/messages.ts";
import type { ListingReport } from "../room/listing/report.ts";
import type { RecallAnswer, TransferAnswer, TransferredUser } from "../room/transfers/messages.ts";
import type { Assignment, LocationHint } from "../world/assignment.ts";

/** The Durable Object bindings that the service uses, by their names in `wrangler.toml`. */
const CLASSES = { ROOMS: "RoomObject", WORLDS: "WorldObject", SHARDS: "ShardObject" } as const;
export type Binding = keyof typeof CLASSES;

/** What rooms need, and what Worlds need beside it. */
export const ROOM_BINDINGS: readonly Binding[] = ["ROOMS"];
export const WORLD_BINDINGS: readonly Binding[] = ["ROOMS", "WORLDS", "SHARDS"];

/** What other objects of the service ask of a room. No request from outside becomes one of these calls. */
export interface RoomCalls {
  relay(batch: ShardBatch): Promise<Receipt>;
  board(user: TransferredUser): Promise<TransferAnswer>;
  recall(transferId: string, sessionId: string): Promise<RecallAnswer>;
  listed(worldId: string): Promise<ListingReport | null>;
  metrics(): Promise<RoomMetrics>;
}

/** The same for a shard. */
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

/** What can be asked of the objects that a binding leads to. A World is a room itself. */
interface Stubs {
  readonly ROOMS: RoomCalls & Fetcher;
  readonly WORLDS: RoomCalls & Fetcher;
  readonly SHARDS: ShardCalls & Fetcher;
}

interface Namespace<T> {
  idFromName(name: string): unknown;
  get(id: unknown, options?: { locationHint: LocationHint }): T;
}

/**
 * Makes the stub of an object. Make a new one for each call: a stub that threw once is broken.
 * @param locationHint where a new object is to run
 * @throws Error if the Worker does not have the binding
 */
export function stubOf<B extends Binding>(
  env: object,
  binding: B,
  party: string,
  id: string,
  locationHint?: LocationHint,
): Stubs[B] {
  const namespace = (env as { readonly [K in B]?: Namespace<Stubs[K]> })[binding];
  if (!namespace) throw new Error(`Missing Durable Object binding ${binding}`);
  return namespace.get(namespace.idFromName(objectName(party, id)), locationHint && { locationHint });
}

/** Where requests between objects seem to come from. */
const ORIGIN = "https://rooms.internal";

/** The URL of a request from one object to another. @param path inside the object, from "/" on */
export function internalUrl(party: string, id: string, path: string): string {
  return `${ORIGIN}/parties/${party}/${encodeURIComponent(id)}${path}`;
}

/** What a World answered to a report. */
interface WorldAnswer {
  readonly ok: boolean;
  readonly status: number;
  readonly text: string;
}

/**
 * Sends a World a report, as an outsider would have to: with the secret of the service.
 * @returns undefined if the service has no Worlds
 */
export async function reportToWorld(
  env: object,
  worldId: string,
  path: "/update-listing" | "/update-shard",
  report: object,
): Promise<WorldAnswer | undefined> {
  const { WORLDS: worlds, SHARD_SECRET: secret = "" } = env as {
    readonly WORLDS?: unknown;
    readonly SHARD_SECRET?: string;
  };
  if (!worlds) return undefined;
  const response = await stubOf(env, "WORLDS", "world", worldId).fetch(internalUrl("world", worldId, path), {
    method: "POST",
    headers: { "content-type": "application/json", "x-access-shard": secret },
    body: JSON.stringify(report),
  });
  return { ok: response.ok, status: response.status, text: await response.text() };
}

/**
 * Checks that the Worker has the bindings that a service needs.
 * @throws Error that says what to write into `wrangler.toml`
 */
export function assertBindings(needed: readonly Binding[], bound: object = workerEnv): void {
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
