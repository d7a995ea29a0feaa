import * as z from "zod/mini";
import { DELETE } from "../protocol/packets.ts";
import { isRoomId } from "../protocol/urls.ts";
import { BALANCINGS, MOST_SOCKETS } from "./settings.ts";

/** Clients would take the one that is left out for a deletion. */
const isPossible = (id: string): boolean => isRoomId(id) && id !== DELETE;
const roomId = z.string().check(z.refine(isPossible, "No room can have this id"));
const count = z.int().check(z.gte(0));
const capacity = z.int().check(z.gte(1), z.lte(MOST_SOCKETS));

/** `POST /connect` */
export const connectBody = z.object({ roomId, autoCreate: z._default(z.boolean(), true) });

/** `POST /register-room` */
export const registerBody = z.object({
  name: roomId,
  balancingStrategy: z.enum(BALANCINGS),
  public: z.boolean(),
  maxPlayersPerShard: capacity,
  minShards: count,
  maxShards: z.optional(z.int().check(z.gte(1))),
});

/** `POST /update-shard` */
export const reportBody = z.object({
  shardId: z.string().check(z.minLength(1), z.maxLength(512)),
  worldId: z.optional(z.string()),
  connections: count,
  status: z.optional(z.enum(["active", "draining"])),
  /** Clients that ever came to the shard: so the World knows how many of those it sent have arrived. */
  arrivals: z.optional(count),
});

/** `POST /scale-room` */
export const scaleBody = z.object({
  roomId,
  targetShardCount: count,
  shardTemplate: z.optional(z.object({ maxConnections: z.optional(capacity) })),
});

export type Registration = z.output<typeof registerBody>;
export type Report = z.output<typeof reportBody>;
export type Scaling = z.output<typeof scaleBody>;
