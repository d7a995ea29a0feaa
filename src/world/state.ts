import { signal } from "@signe/reactive";
import type { WritableSignal } from "@signe/reactive";
import type { ListingReport } from "../room/listing/report.ts";
import { collection, persist, sync } from "../state/fields.ts";
import type { LocationHint } from "./assignment.ts";
import type { Balancing } from "./balancing.ts";

/** How a room is to be run, as it was registered, or by the World's own settings. */
export interface RoomConfig {
  readonly balancingStrategy: Balancing;
  /** Kept for whoever lists rooms. It opens and closes nothing: the room's own guards do. */
  readonly public: boolean;
  /** Sockets that a new shard holds at most. */
  readonly maxPlayersPerShard: number;
  readonly minShards: number;
  readonly maxShards: number;
}

/** A room that the World knows. */
export interface RoomInfo {
  readonly id: string;
  readonly config: RoomConfig;
  /** Whether an operator registered it: then it stays. Others are removed when nobody uses them. */
  readonly isRegistered: boolean;
  /** When it was last seen in use, as far as its present shards do not tell. */
  readonly usedAt: number;
}

/** Only an active shard gets new clients. A draining one is removed when it is empty, one in maintenance stays. */
export type ShardStatus = "active" | "draining" | "maintenance";

/** A shard, as operators see it. */
export interface ShardInfo {
  readonly id: string;
  readonly roomId: string;
  /** Sockets at most. */
  readonly capacity: number;
  /** Where it runs, as far as that is known. */
  readonly hint: LocationHint | null;
  readonly status: ShardStatus;
  /** Open sockets, as the shard last reported. */
  readonly connections: number;
  /** When it last reported. */
  readonly reportedAt: number;
}

/** What only the World itself needs of a shard. It is stored, but operators do not see it. */
export interface ShardRecord {
  /** When each reservation ends whose client has not arrived; the oldest first. */
  readonly reservations: readonly number[];
  /** Clients that ever came, as the shard last reported. */
  readonly arrivals: number;
  /** The number of the last reservation, counted over the shards of its room: the shard with the least one is next. */
  readonly turn: number;
  /** When it last had clients, or was about to. */
  readonly usedAt: number;
  /** Whether it has its assignment. Until then no client may be sent there. */
  readonly isAssigned: boolean;
}

/** A listed room, as it last reported, and what the World adds. */
export interface ListingInfo extends ListingReport {
  readonly reportedAt: number;
  /** When it last had users, or was about to. */
  readonly usedAt: number;
  /** When each reservation ends whose user has not arrived; the oldest first. */
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
 * A signal of a value that is only ever replaced as a whole. A signal that is made of an object watches each of its
 * properties, for twice the memory; and a World knows ten thousand rooms, in the 128 MB of an object.
 */
function whole<T extends object>(value: T): WritableSignal<T> {
  const made = signal<T | null>(null);
  made.set(value);
  return made as unknown as WritableSignal<T>;
}

/** An entry of `rooms`. */
export const makeRoom = (info: RoomInfo = ROOM) => ({ info: sync(whole(info)) });
export type RoomEntry = ReturnType<typeof makeRoom>;

/** An entry of `shards`: all of it is one stored row, so that a reservation is one write. */
export const makeShard = (info: Partial<ShardInfo> = {}, record: Partial<ShardRecord> = {}) => ({
  info: sync(whole<ShardInfo>({ ...SHARD, ...info })),
  ledger: persist(whole<ShardRecord>({ ...RECORD, ...record })),
});
export type Shard = ReturnType<typeof makeShard>;

/** An entry of `listings`. Its metadata is text: no key of it can be one that clients of the registry choke on. */
export const makeListing = () => ({ info: sync(whole(LISTING)) });
export type ListingEntry = ReturnType<typeof makeListing>;

/** The state of a World, which operators see. */
export const makeWorldState = () => ({
  rooms: collection(() => makeRoom()),
  shards: collection(() => makeShard()),
  listings: collection(() => makeListing()),
});
export type WorldState = ReturnType<typeof makeWorldState>;

/** Reservations that still wait for their client. */
export function pendingOf(shard: Shard, now: number): readonly number[] {
  return shard.ledger().reservations.filter((end) => end > now);
}

/** Clients that a shard has, or will have in a moment. */
export function loadOf(shard: Shard, now: number): number {
  return shard.info().connections + pendingOf(shard, now).length;
}

export function isActive(shard: Shard): boolean {
  return shard.info().status === "active";
}

/** Whether a new client may be sent there. */
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

/** What is shown of the entries of a collection. */
export function infosOf<T>(entries: Readonly<Record<string, { info(): T }>>): T[] {
  return Object.values(entries).map((entry) => entry.info());
}
