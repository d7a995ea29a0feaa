import * as z from "zod/mini";
import { hasHostileKey, isPlain } from "../protocol/values.ts";
import { DELETE } from "../protocol/packets.ts";
import { isRoomId } from "../protocol/urls.ts";
import { FILTER_FORM, isFilter } from "./filter.ts";
import type { Filter } from "./filter.ts";
import { ORDERS } from "./listings.ts";
import { BALANCINGS } from "./balancing.ts";
import { MOST_SOCKETS } from "./settings.ts";

const PARTY = /^[A-Za-z0-9_-]{1,64}$/;

/** Clients would read the excluded id as a deletion. */
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
  status: z.optional(z.enum(["active", "draining", "maintenance"])),
  /**
   * The number of clients that ever connected to the shard. It tells the World how many of its reservations have
   * arrived.
   */
  arrivals: z.optional(count),
});

/** `POST /scale-room` */
export const scaleBody = z.object({
  roomId,
  targetShardCount: count,
  shardTemplate: z.optional(z.object({ maxConnections: z.optional(capacity) })),
});

const party = z.string().check(z.refine((name) => PARTY.test(name), "No party can have this name"));
const path = z.string().check(z.minLength(1), z.maxLength(512));
const query = {
  party: z._default(party, "main"),
  room: path,
  filter: z._default(z.custom<Filter>(isFilter, FILTER_FORM), {}),
  order: z._default(z.enum(ORDERS), "fullest"),
};

/** `POST /find-room`. Unknown keys are refused, since a misspelt filter would find too many rooms. */
export const findBody = z.strictObject({
  ...query,
  create: z._default(
    z.custom<Creation>(isCreation, "create has to be true, false, or an object of strings by segment"),
    false,
  ),
});

/** `POST /list-rooms` */
export const listBody = z.strictObject({
  ...query,
  limit: z._default(z.int().check(z.gte(1), z.lte(100)), 50),
});

/** `POST /update-listing`: the listing of a room, or null to remove it from the list. */
export const listingBody = z.object({
  party,
  roomId,
  report: z.nullable(
    z.object({
      party,
      roomId,
      path: path.check(z.refine((given) => given !== DELETE)),
      metadata: z.string().check(z.maxLength(2048), z.refine(isObjectText)),
      locked: z.boolean(),
      users: count,
      maxUsers: z.nullable(z.number().check(z.gte(1))),
    }),
  ),
});

/** The segments of a new room's path, as far as they are given. False if no room may be made. */
export type Creation = boolean | Readonly<Record<string, string>>;

function isCreation(value: unknown): boolean {
  if (!isPlain(value)) return typeof value === "boolean";
  return Object.values(value).every((text) => isPossible(text as string));
}

function isObjectText(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return isPlain(value) && !hasHostileKey(value);
  } catch {
    return false;
  }
}

export type ListingUpdate = z.output<typeof listingBody>;
export type Registration = z.output<typeof registerBody>;
export type Report = z.output<typeof reportBody>;
export type Scaling = z.output<typeof scaleBody>;
