import { objectName } from "../protocol/urls.ts";
import { ORIGIN } from "./neighbours.ts";
import type { RoomMetrics, ShardMetrics } from "../platform/metrics.ts";
import type { Introduction, Receipt, RoomBatch, ShardBatch, Shards } from "../relay/messages.ts";
import type { ShardPorts } from "../shard/ports.ts";
import type { Assignment, LocationHint, ShardHost } from "../world/assignment.ts";
import type { Observatory } from "../world/metrics.ts";

/** What objects call of a shard. */
interface ShardStub {
  metrics(): Promise<ShardMetrics>;
  introduce(boot: string): Promise<Introduction | undefined>;
  deliver(batch: RoomBatch): Promise<Receipt>;
  assign(assignment: Assignment): Promise<void>;
  retire(): Promise<void>;
}

/** What a shard calls of its room and its World. */
interface RoomStub {
  metrics(): Promise<RoomMetrics>;
  relay(batch: ShardBatch): Promise<Receipt>;
  fetch(input: Request | string, init?: RequestInit): Promise<Response>;
}

interface Namespace<T> {
  idFromName(name: string): unknown;
  get(id: unknown, options?: { locationHint?: LocationHint | undefined }): T;
}

interface Bindings {
  readonly ROOMS: Namespace<RoomStub>;
  readonly WORLDS?: Namespace<RoomStub>;
  readonly SHARDS?: Namespace<ShardStub>;
  readonly SHARD_SECRET?: string;
}

/** The shard object of an id. A new stub each time: one that threw is broken. */
function shardOf(env: object, shardId: string, locationHint?: LocationHint): ShardStub {
  const { SHARDS: shards } = env as Bindings;
  if (!shards) throw new Error("Missing Durable Object binding SHARDS");
  return shards.get(shards.idFromName(objectName("shard", shardId)), locationHint && { locationHint });
}

/** Reaches the shards of a room. */
export function createShards(env: object): Shards {
  return {
    introduce: async (shardId, boot) => shardOf(env, shardId).introduce(boot),
    deliver: async (shardId, batch) => shardOf(env, shardId).deliver(batch),
  };
}

/** Reaches the shards of a World. */
export function createShardHost(env: object): ShardHost {
  return {
    assign: async (assignment, hint) => shardOf(env, assignment.shardId, hint).assign(assignment),
    retire: async (shardId) => shardOf(env, shardId).retire(),
  };
}

/** Asks the rooms and shards of a World. */
export function createObservatory(env: object): Observatory {
  return {
    room: async (place) => roomOf(env, place).metrics(),
    shard: async (shardId) => shardOf(env, shardId).metrics(),
  };
}

/** The room whose clients a shard holds. */
export function roomOf(env: object, { party, roomId }: Pick<Assignment, "party" | "roomId">): RoomStub {
  const { ROOMS: rooms } = env as Bindings;
  return rooms.get(rooms.idFromName(objectName(party, roomId)));
}

/** Tells a World of a shard, as an outsider would have to: with the secret. */
export const reportTo =
  (env: object): ShardPorts["report"] =>
  async ({ worldId, shardId }, { connections, arrivals }) => {
    const { WORLDS: worlds, SHARD_SECRET: secret = "" } = env as Bindings;
    if (!worlds) return true;
    const world = worlds.get(worlds.idFromName(objectName("world", worldId)));
    const response = await world.fetch(`${ORIGIN}/parties/world/${encodeURIComponent(worldId)}/update-shard`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-access-shard": secret },
      body: JSON.stringify({ shardId, worldId, connections, arrivals }),
    });
    const answer = await response.text();
    if (response.ok || response.status === 404) return response.ok;
    throw new Error(`The World answered ${response.status}: ${answer}`);
  };
