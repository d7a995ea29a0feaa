import { worldUrl } from "./address.ts";
import { askWorld } from "./ask-world.ts";
import { given } from "./given.ts";
import type { CommonOptions } from "./options.ts";

type Scalar = string | number | boolean | null;
type Ordered = string | number;

/** Conditions for a value of the metadata. All that are given have to hold. */
export interface Comparison<T = Scalar> {
  /** Not equal. */
  readonly ne?: T;
  /** Greater than. */
  readonly gt?: T & Ordered;
  /** Greater than or equal. */
  readonly gte?: T & Ordered;
  /** Less than. */
  readonly lt?: T & Ordered;
  /** Less than or equal. */
  readonly lte?: T & Ordered;
  /** Equal to one of these values, up to 32. */
  readonly in?: readonly T[];
}

/** Conditions for rooms, up to 16: for each top-level key of the metadata, a value or a {@link Comparison}. */
export type Filter<M> = { readonly [K in keyof M]?: (M[K] & Scalar) | Comparison<M[K] & Scalar> };

/** Options of both {@link findRoom} and {@link listRooms}. M: the metadata of the rooms. */
export interface SearchOptions<M> extends Pick<CommonOptions, "host" | "token" | "socket"> {
  /** The kind of room: the path of its definition, such as `duel-{id}`. */
  readonly room: string;
  /** Conditions for the metadata. Default: all rooms of the kind. */
  readonly filter?: Filter<M>;
  /** Which rooms come first. Default `"fullest"`. */
  readonly order?: "fullest" | "emptiest";
  /** The party of the rooms. Default `"main"`. */
  readonly party?: string;
  /** The id of the World. Default `"world-default"`. */
  readonly worldId?: string;
}

/** The options of {@link findRoom}. */
export interface FindOptions<M> extends SearchOptions<M> {
  /**
   * Whether to make a new room if none matches. An object gives the `{name}` segments of its path; missing ones are
   * random. The room has to list itself in `onStart`. Default false.
   */
  readonly create?: boolean | Readonly<Record<string, string>>;
}

/** The options of {@link listRooms}. */
export interface ListOptions<M> extends SearchOptions<M> {
  /** The maximum number of rooms, from 1 to 100. Default 50. */
  readonly limit?: number;
}

/** A room as its World lists it. It may be a second old. */
export interface RoomListing<M> {
  /** The id of the room. */
  readonly roomId: string;
  /** The metadata that the room gave to `room.setListing`. */
  readonly metadata: M;
  /** Whether {@link findRoom} skips the room. */
  readonly locked: boolean;
  /** Distinct users online. */
  readonly users: number;
  /** The maximum number of users online. Null for no limit. */
  readonly maxUsers: number | null;
}

type AnyMetadata = Record<string, Scalar>;

/**
 * Finds a listed room that matches and has a free place. The World reserves the place for 30 s.
 *
 * @throws ConnectError `world_refused` with status 404 if there is no such room, or with another status if the search
 * is refused; `world_unreachable` if the World does not answer; `token_failed` if the function `token` throws
 * @example
 * import { connectRoom, findRoom } from "durable-rooms/client";
 * const search = { host: location.host, room: "game-{id}", filter: { level: { gte: 3 } }, create: true };
 * const game = connectRoom<typeof gameRoom>({
 *   host: location.host,
 *   room: async () => (await findRoom(search)).roomId, // called again if the room is full by then
 * });
 */
export async function findRoom<M = AnyMetadata>(options: FindOptions<M>): Promise<RoomListing<M>> {
  const { success: _, ...found } = await ask("find-room", options, { create: options.create });
  return found as unknown as RoomListing<M>;
}

/**
 * Lists the rooms that match, those with a free place first. Full and locked rooms are included.
 *
 * @throws ConnectError `world_refused` with the status if the search is refused; `world_unreachable` if the World does
 * not answer; `token_failed` if the function `token` throws
 * @example
 * import { listRooms } from "durable-rooms/client";
 * const rooms = await listRooms({ host: location.host, room: "duel-{id}", filter: { mode: "blitz" } });
 */
export async function listRooms<M = AnyMetadata>(options: ListOptions<M>): Promise<readonly RoomListing<M>[]> {
  const { rooms } = await ask("list-rooms", options, { limit: options.limit });
  return rooms as RoomListing<M>[];
}

async function ask<M>(route: string, options: SearchOptions<M>, more: object) {
  const { room, filter, order, party, token } = options;
  return askWorld(worldUrl(options, route), { room, filter, order, party, ...more }, await given("token", token));
}
