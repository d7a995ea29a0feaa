import { originOf } from "./address.ts";
import { askWorld } from "./ask-world.ts";
import type { CommonOptions } from "./options.ts";

type Scalar = string | number | boolean | null;
type Ordered = string | number;

/** How a value of the metadata has to compare: all that is given has to hold. */
export interface Comparison<T = Scalar> {
  readonly ne?: T;
  readonly gt?: T & Ordered;
  readonly gte?: T & Ordered;
  readonly lt?: T & Ordered;
  readonly lte?: T & Ordered;
  readonly in?: readonly T[];
}

/** What rooms are looked for: by name of a top-level value of their metadata, what it is or how it compares. */
export type Filter<M> = { readonly [K in keyof M]?: (M[K] & Scalar) | Comparison<M[K] & Scalar> };

/** What {@link findRoom} and {@link listRooms} both take. M: the metadata of the rooms. */
export interface SearchOptions<M> extends Pick<CommonOptions, "host" | "token" | "socket"> {
  /** The kind of room: the path of its definition, as in `duel-{id}`. */
  readonly room: string;
  /** Default: all of that kind. */
  readonly filter?: Filter<M>;
  /** Which come first. Default: the fullest with a place. */
  readonly order?: "fullest" | "emptiest";
  /** Default `main`. */
  readonly party?: string;
  /** Default `world-default`. */
  readonly worldId?: string;
}

/** What {@link findRoom} takes. */
export interface FindOptions<M> extends SearchOptions<M> {
  /**
   * Whether a room is made where none fits. With an object: what the `{name}` segments of its path are; those that are
   * not given are random. The room has to list itself in `onStart`. Default false.
   */
  readonly create?: boolean | Readonly<Record<string, string>>;
}

/** What {@link listRooms} takes. */
export interface ListOptions<M> extends SearchOptions<M> {
  /** Rooms at most, from 1 to 100. Default 50. */
  readonly limit?: number;
}

/** A room, as its World lists it: up to a second old. */
export interface RoomListing<M> {
  readonly roomId: string;
  readonly metadata: M;
  readonly locked: boolean;
  /** Distinct users online. */
  readonly users: number;
  /** null: no limit. */
  readonly maxUsers: number | null;
}

type AnyMetadata = Record<string, Scalar>;

/**
 * Asks a World for a room that fits and has a place, which it keeps for 30 seconds.
 *
 * @throws ConnectError `world_refused` with status 404 if there is none, or with what else is wrong; `world_unreachable`
 * @example
 * import { connectRoom, findRoom } from "durable-rooms/client";
 * const search = { host: location.host, room: "game-{id}", filter: { level: { gte: 3 } }, create: true };
 * const game = connectRoom<typeof gameRoom>({
 *   host: location.host,
 *   room: async () => (await findRoom(search)).roomId, // asked again if the room is full by then
 * });
 */
export async function findRoom<M = AnyMetadata>(options: FindOptions<M>): Promise<RoomListing<M>> {
  const { success: _, ...found } = await ask("find-room", options, { create: options.create });
  return found as unknown as RoomListing<M>;
}

/**
 * Asks a World for all rooms that fit, those with a place first; full and locked ones are among them.
 *
 * @throws ConnectError
 * @example
 * import { listRooms } from "durable-rooms/client";
 * const rooms = await listRooms({ host: location.host, room: "duel-{id}", filter: { mode: "blitz" } });
 */
export async function listRooms<M = AnyMetadata>(options: ListOptions<M>): Promise<readonly RoomListing<M>[]> {
  const { rooms } = await ask("list-rooms", options, { limit: options.limit });
  return rooms as RoomListing<M>[];
}

async function ask<M>(route: string, options: SearchOptions<M>, more: object) {
  const { room, filter, order, party, worldId = "world-default", token } = options;
  const url = `${originOf(options)}/parties/world/${encodeURIComponent(worldId)}/${route}`;
  const jwt = typeof token === "function" ? await token() : token;
  return askWorld(url, { room, filter, order, party, ...more }, jwt);
}
