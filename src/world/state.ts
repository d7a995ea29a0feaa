import { signal } from "@signe/reactive";
import type { WritableSignal } from "@signe/reactive";
import type { ListingReport } from "../room/listing/report.ts";
import { collection, persist, sync } from "../state/fields.ts";
import type { LocationHint } from "./assignment.ts";
import type { Balancing } from "./balancing.ts";

/** The configuration of a room: as it was registered, or from the options of the World. */
export interface RoomConfig {
  /** How clients are distributed over shards. */
  readonly balancingStrategy: Balancing;
  /** Stored for code that lists rooms. It does not restrict access: use the room's guards. */
  readonly public: boolean;
  /** The maximum number of connections of a new shard. */
  readonly maxPlayersPerShard: number;
  /** The number of active shards to keep. */
  readonly minShards: number;
  /** The maximum number of active shards. */
  readonly maxShards: number;
}

/** A room that the World distributes over shards. */
export interface RoomInfo {
  readonly id: string;
  readonly config: RoomConfig;
  /** Whether an operator registered it. Other rooms are removed when they are not used. */
  readonly isRegistered: boolean;
  /** When it was last used, in ms since 1970, as far as its present shards do not tell. */
  readonly usedAt: number;
}

/**
 * Only an active shard gets new clients. A draining shard is removed when it is empty. A shard in maintenance stays.
 */
export type ShardStatus = "active" | "draining" | "maintenance";

/** A shard, as operators see it. */
export interface ShardInfo {
  /** The id of the shard. */
  readonly id: string;
  /** The id of the room whose clients it holds. */
  readonly roomId: string;
  /** The maximum number of connections. */
  readonly capacity: number;
  /** The region in which it runs. Null if that is not known. */
  readonly hint: LocationHint | null;
  readonly status: ShardStatus;
  /** The number of open connections that the shard last reported. */
  readonly connections: number;
  /** When it last reported, in ms since 1970. */
  readonly reportedAt: number;
}

/** Data about a shard that only the World needs. It is stored but not shown to operators. */
export interface ShardRecord {
  /** When each reservation without a client ends, oldest first. */
  readonly reservations: readonly number[];
  /** The number of clients that ever connected, as the shard last reported. */
  readonly arrivals: number;
  /**
   * The number of the last reservation, counted over the shards of its room. The shard with the lowest number is next.
   */
  readonly turn: number;
  /** When it last had clients, or was about to, in ms since 1970. */
  readonly usedAt: number;
  /** Whether it has received its assignment. Until then, no client may be sent there. */
  readonly isAssigned: boolean;
}

/** A listed room: its last report, and what the World adds. */
export interface ListingInfo extends ListingReport {
  readonly reportedAt: number;
  /** When it last had users, or was about to, in ms since 1970. */
  readonly usedAt: number;
  /** When each reservation without a user ends, oldest first. */
  readonly reservations: readonly number[];
}

const CONFIG: RoomConfig = {
  balancingStrategy: "round-robin",
  public: true,
  maxPlayersPerShard: 1,
  minShards: 0,
  maxShards: 1,
};
const ROOM: RoomInfo = { id: "", config: CONFIG, isRegistered: false, usedAt: 0 };
const SHARD: ShardInfo = {
  id: "",
  roomId: "",
  capacity: 1,
  hint: null,
  status: "active",
  connections: 0,
  reportedAt: 0,
};
const RECORD: ShardRecord = { reservations: [], arrivals: 0, turn: 0, usedAt: 0, isAssigned: false };
const LISTING: ListingInfo = {
  party: "",
  roomId: "",
  path: "",
  metadata: "{}",
  locked: false,
  users: 0,
  maxUsers: null,
  reportedAt: 0,
  usedAt: 0,
  reservations: [],
};

/**
 * A signal of a value that is always replaced as a whole. A signal of an object watches each property, which takes
 * twice the memory. A World knows up to 10,000 rooms, in the 128 MB of an object.
 */
function whole<T extends object>(value: T): WritableSignal<T> {
  const made = signal<T | null>(null);
  made.set(value);
  return made as unknown as WritableSignal<T>;
}

/** An entry of `rooms`. */
export const makeRoom = (info: RoomInfo = ROOM) => ({ info: sync(whole(info)) });
export type RoomEntry = ReturnType<typeof makeRoom>;

/** An entry of `shards`. It is stored as one row, so a reservation is one write. */
export const makeShard = (info: Partial<ShardInfo> = {}, record: Partial<ShardRecord> = {}) => ({
  info: sync(whole<ShardInfo>({ ...SHARD, ...info })),
  ledger: persist(whole<ShardRecord>({ ...RECORD, ...record })),
});
export type Shard = ReturnType<typeof makeShard>;

/** An entry of `listings`. Its metadata is text, so that none of its keys can break clients of the registry. */
export const makeListing = () => ({ info: sync(whole(LISTING)) });
export type ListingEntry = ReturnType<typeof makeListing>;

/** The state of a World, which operators see. */
export const makeWorldState = () => ({
  rooms: collection(() => makeRoom()),
  shards: collection(() => makeShard()),
  listings: collection(() => makeListing()),
});
export type WorldState = ReturnType<typeof makeWorldState>;

/** Reservations whose client has not connected yet. */
export function pendingOf(shard: Shard, now: number): readonly number[] {
  return shard.ledger().reservations.filter((end) => end > now);
}

/** Clients that a shard has, and clients that are on the way. */
export function loadOf(shard: Shard, now: number): number {
  return shard.info().connections + pendingOf(shard, now).length;
}

export function isActive(shard: Shard): boolean {
  return shard.info().status === "active";
}

/** Whether a new client may be assigned to it. */
export function hasSpace(shard: Shard, now: number): boolean {
  return isActive(shard) && loadOf(shard, now) < shard.info().capacity;
}

/** Changes some values of a room. */
export function changeRoom(room: RoomEntry, changes: Partial<RoomInfo>): void {
  room.info.set({ ...room.info(), ...changes });
}

/** Changes some values of a shard. */
export function changeShard(shard: Shard, changes: Partial<ShardInfo>): void {
  shard.info.set({ ...shard.info(), ...changes });
}

/** Changes some values that only the World itself needs. */
export function changeRecord(shard: Shard, changes: Partial<ShardRecord>): void {
  shard.ledger.set({ ...shard.ledger(), ...changes });
}

/** The public part of the entries of a collection. */
export function infosOf<T>(entries: Readonly<Record<string, { info(): T }>>): T[] {
  return Object.values(entries).map((entry) => entry.info());
}
