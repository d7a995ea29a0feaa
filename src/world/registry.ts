import type { LocationHint } from "./assignment.ts";
import { makeShardId, roomKey } from "./keys.ts";
import type { Jurisdiction } from "../platform/jurisdiction.ts";
import type { Registration, Report } from "./schemas.ts";
import { MOST_SHARDS, RESERVATION_LIFE } from "./settings.ts";
import type { WorldSettings } from "./settings.ts";
import {
  changeRecord,
  changeRoom,
  changeShard,
  hasSpace,
  isActive,
  loadOf,
  makeRoom,
  makeShard,
  pendingOf,
} from "./state.ts";
import type { RoomConfig, RoomEntry, Shard, WorldState } from "./state.ts";
import { choose } from "./strategies.ts";

/** A client that asks for a shard of a room. */
export interface ShardRequest {
  readonly roomId: string;
  /** Whether the room may be added if it is unknown. */
  readonly autoCreate: boolean;
  /** Whether a room or shard may be added for this client. */
  readonly mayGrow: boolean;
  /** The region of the client, if it is known. */
  readonly hint: LocationHint | undefined;
}

/** The result: a shard with a reservation for the client, or why there is none. */
export type Placement =
  | { readonly kind: "placed"; readonly shard: Shard; readonly added: readonly Shard[] }
  | { readonly kind: "unknown room" | "too many rooms" | "no space" | "not allowed to grow" };

/**
 * The rooms and shards of a World: all decisions about them, without the calls that follow. Its data is the synced
 * state of the World. It also keeps indexes, so every change has to go through here.
 */
export class Registry {
  readonly #state: WorldState;
  readonly #settings: WorldSettings;
  readonly #random: () => number;
  readonly #jurisdictionOf: (roomId: string) => Jurisdiction | undefined;
  readonly #rooms = new Map<string, { readonly key: string; readonly room: RoomEntry }>();
  readonly #shards = new Map<string, Shard>();
  readonly #shardsOf = new Map<string, Set<Shard>>();

  /** @param state restored already */
  constructor(
    state: WorldState,
    settings: WorldSettings,
    random: () => number,
    jurisdictionOf: (roomId: string) => Jurisdiction | undefined = () => undefined,
  ) {
    this.#state = state;
    this.#settings = settings;
    this.#random = random;
    this.#jurisdictionOf = jurisdictionOf;
    for (const [key, room] of Object.entries(state.rooms())) this.#rooms.set(room.info().id, { key, room });
    for (const shard of Object.values(state.shards())) this.#index(shard);
  }

  room(roomId: string): RoomEntry | undefined {
    return this.#rooms.get(roomId)?.room;
  }

  shard(shardId: string): Shard | undefined {
    return this.#shards.get(shardId);
  }

  /** All rooms, in a new list, since rooms may be removed meanwhile. */
  rooms(): RoomEntry[] {
    return Array.from(this.#rooms.values(), ({ room }) => room);
  }

  /** All shards, in a new list. */
  shards(): Shard[] {
    return [...this.#shards.values()];
  }

  get hasShards(): boolean {
    return this.#shards.size > 0;
  }

  shardsOf(roomId: string): Shard[] {
    return [...(this.#shardsOf.get(roomId) ?? [])];
  }

  activeOf(roomId: string): Shard[] {
    return this.shardsOf(roomId).filter(isActive);
  }

  /**
   * Assigns a shard to a client, and reserves a place until the client has connected. This is one step, so two clients
   * never get the same place. Shards and rooms are added if needed and allowed.
   */
  place(request: ShardRequest, now: number): Placement {
    const existing = this.room(request.roomId);
    if (!existing && !request.autoCreate) return { kind: "unknown room" };
    if (!existing && !request.mayGrow) return { kind: "not allowed to grow" };
    if (!existing && this.isFull) return { kind: "too many rooms" };
    const room = existing ?? this.#addRoom(request.roomId, this.#defaultConfig(), false, now);
    const chosen = this.#choose(room, request, now);
    if (chosen) return this.#reserve(chosen, [], now);
    if (!this.#hasRoomForShard(room)) return { kind: "no space" };
    if (!request.mayGrow) return { kind: "not allowed to grow" };
    const missing = room.info().config.minShards - this.activeOf(request.roomId).length;
    const added = this.#addShards(room, Math.max(missing, 1), now, request.hint);
    return this.#reserve(added[0] as Shard, added, now);
  }

  /** Whether no further room can be added. */
  get isFull(): boolean {
    return this.#rooms.size >= this.#settings.maxRooms;
  }

  /** Adds a room, or changes its configuration. @returns the shards that were added to reach its minimum */
  register({ name, maxShards = this.#settings.maxShards, ...rest }: Registration, now: number): Shard[] {
    const config = { ...rest, maxShards };
    const existing = this.room(name);
    if (existing) changeRoom(existing, { config, isRegistered: true });
    const room = existing ?? this.#addRoom(name, config, true, now);
    return this.#addShards(room, config.minShards - this.activeOf(name).length, now);
  }

  /**
   * Changes the number of active shards of a room: shards are added, or the emptiest are drained.
   * @param capacity the capacity of new shards, if it differs from the room's
   */
  scale(room: RoomEntry, target: number, now: number, capacity?: number): { added: Shard[]; drained: Shard[] } {
    const active = this.activeOf(room.info().id);
    const surplus = Math.max(active.length - target, 0);
    const drained = active.toSorted((a, b) => loadOf(a, now) - loadOf(b, now)).slice(0, surplus);
    for (const shard of drained) changeShard(shard, { status: "draining" });
    return { added: this.#addShards(room, target - active.length, now, undefined, capacity), drained };
  }

  /**
   * Takes a report of a shard. New clients use up the oldest reservations. If the shard does not count arrivals, their
   * number is the increase of its connections.
   * @param mayRevive whether a draining shard may become active again. Its own report may not do that, since it may
   * have been sent before the shard was drained
   * @returns whether its status changed
   */
  report(shard: Shard, { connections, arrivals, status }: Report, mayRevive: boolean, now: number): boolean {
    const { arrivals: before, usedAt } = shard.ledger();
    const old = shard.info();
    // A count that decreased was reset.
    const came = arrivals === undefined ? connections - old.connections : arrivals - (arrivals < before ? 0 : before);
    changeRecord(shard, {
      reservations: pendingOf(shard, now).slice(Math.max(came, 0)),
      arrivals: arrivals ?? before,
      usedAt: connections > 0 || old.connections > 0 || came > 0 ? now : usedAt,
      isAssigned: true,
    });
    const next = status === "active" && !mayRevive ? old.status : (status ?? old.status);
    changeShard(shard, { connections, status: next, reportedAt: now });
    return next !== old.status;
  }

  /** Removes a shard. Its room counts as used as long as the shard was. */
  removeShard(shardId: string): void {
    const shard = this.#shards.get(shardId);
    if (!shard) return;
    const { roomId } = shard.info();
    delete this.#state.shards()[shardId];
    this.#shards.delete(shardId);
    const others = this.#shardsOf.get(roomId);
    others?.delete(shard);
    if (others?.size === 0) this.#shardsOf.delete(roomId);
    const room = this.room(roomId);
    const { usedAt } = shard.ledger();
    if (room && usedAt > room.info().usedAt) changeRoom(room, { usedAt });
  }

  removeRoom(roomId: string): void {
    const found = this.#rooms.get(roomId);
    if (found) delete this.#state.rooms()[found.key];
    this.#rooms.delete(roomId);
  }

  #choose(room: RoomEntry, { roomId, hint, mayGrow }: ShardRequest, now: number): Shard | undefined {
    const free = this.shardsOf(roomId).filter((shard) => hasSpace(shard, now));
    const canGrow = mayGrow && this.#hasRoomForShard(room);
    return choose(room.info().config.balancingStrategy, free, { now, hint, canGrow, random: this.#random });
  }

  /** Draining shards do not count, since their clients need another shard. */
  #hasRoomForShard(room: RoomEntry): boolean {
    const { id, config } = room.info();
    return this.activeOf(id).length < config.maxShards && this.#shards.size < MOST_SHARDS;
  }

  #reserve(shard: Shard, added: readonly Shard[], now: number): Placement {
    changeRecord(shard, {
      reservations: [...pendingOf(shard, now), now + RESERVATION_LIFE],
      turn: this.#nextTurn(shard.info().roomId),
      usedAt: now,
    });
    return { kind: "placed", shard, added };
  }

  /** The turn after those of all shards of a room. */
  #nextTurn(roomId: string): number {
    let last = 0;
    for (const shard of this.#shardsOf.get(roomId) ?? []) last = Math.max(last, shard.ledger().turn);
    return last + 1;
  }

  #defaultConfig(): RoomConfig {
    const { balancing, shardCapacity, maxShards } = this.#settings;
    return {
      balancingStrategy: balancing,
      public: true,
      maxPlayersPerShard: shardCapacity,
      minShards: 0,
      maxShards,
    };
  }

  #addRoom(roomId: string, config: RoomConfig, isRegistered: boolean, now: number): RoomEntry {
    const room = makeRoom({ id: roomId, config, isRegistered, usedAt: now });
    const key = roomKey(roomId);
    this.#state.rooms()[key] = room;
    this.#rooms.set(roomId, { key, room });
    return room;
  }

  #addShards(room: RoomEntry, count: number, now: number, hint?: LocationHint, size?: number): Shard[] {
    const { id: roomId, config } = room.info();
    const capacity = size ?? config.maxPlayersPerShard;
    return Array.from({ length: Math.max(count, 0) }, () => {
      const id = makeShardId(roomId, this.#jurisdictionOf(roomId));
      const turn = this.#nextTurn(roomId);
      const shard = makeShard({ id, roomId, capacity, hint: hint ?? null, reportedAt: now }, { turn, usedAt: now });
      this.#state.shards()[id] = shard;
      this.#index(shard);
      return shard;
    });
  }

  #index(shard: Shard): void {
    const { id, roomId } = shard.info();
    this.#shards.set(id, shard);
    const others = this.#shardsOf.get(roomId) ?? new Set();
    this.#shardsOf.set(roomId, others.add(shard));
  }
}
