import * as z from "zod";
import { DELETE } from "../protocol/packets.ts";
import { isRoomId } from "../protocol/urls.ts";
import { BALANCINGS, MOST_SOCKETS } from "./settings.ts";

/** Clients would take the one that is left out for a deletion. */
const isPossible = (id: string): boolean => isRoomId(id) && id !== DELETE;
const roomId = z.string().refine(isPossible, "No room can have this id");
const count = z.int().min(0);

/** `POST /connect` */
export const connectBody = z.object({ roomId, autoCreate: z.boolean().default(true) });

/** `POST /register-room` */
export const registerBody = z.object({
  name: roomId,
  balancingStrategy: z.enum(BALANCINGS),
  public: z.boolean(),
  maxPlayersPerShard: z.int().min(1).max(MOST_SOCKETS),
  minShards: count,
  maxShards: z.int().min(1).optional(),
});

/** `POST /update-shard` */
export const reportBody = z.object({
  shardId: z.string().min(1).max(512),
  worldId: z.string().optional(),
  connections: count,
  status: z.enum(["active", "draining"]).optional(),
  /** Clients that ever came to the shard: so the World knows how many of those it sent have arrived. */
  arrivals: count.optional(),
});

/** `POST /scale-room` */
export const scaleBody = z.object({
  roomId,
  targetShardCount: count,
  shardTemplate: z.object({ maxConnections: z.int().min(1).max(MOST_SOCKETS).optional() }).optional(),
});

export type Registration = z.output<typeof registerBody>;
export type Report = z.output<typeof reportBody>;
export type Scaling = z.output<typeof scaleBody>;
