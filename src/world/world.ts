import type { FindRoom } from "../define/room.ts";
import type { RoomHandle } from "../define/types.ts";
import type { Log } from "../platform/log.ts";
import type { LocationHint } from "./assignment.ts";
import { Finder } from "./finder.ts";
import type { Observatory, RoomHost, ShardHost } from "./hosts.ts";
import { Launches } from "./launches.ts";
import { Listings } from "./listings.ts";
import { gather } from "./metrics.ts";
import type { WorldMetrics } from "./metrics.ts";
import { Registry } from "./registry.ts";
import type { Placement } from "./registry.ts";
import type { Refusal } from "./refusal.ts";
import type { ListingUpdate, Registration, Report, Scaling } from "./schemas.ts";
import { SWEEP_INTERVAL } from "./settings.ts";
import type { WorldSettings } from "./settings.ts";
import { isActive } from "./state.ts";
import type { Shard, WorldState } from "./state.ts";
import { isWorthSweeping, sweep } from "./sweep.ts";
import { Visitors } from "./visitors.ts";

/** What makes Worlds, and what they need from outside. */
export interface WorldParts {
  readonly settings: WorldSettings;
  /** Finds the definition of a room. */
  readonly find: FindRoom;
  /** Reaches shards, with the Worker's bindings. */
  readonly shards: (env: object) => ShardHost;
  /** Reaches rooms, in the same way. */
  readonly rooms: (env: object) => RoomHost;
  /** Asks rooms and shards how they do, with the Worker's bindings. */
  readonly observe: (env: object) => Observatory;
  readonly log: Log;
  /** Milliseconds since 1970. Default: the real time. */
  readonly now?: () => number;
  /** From 0 to less than 1. Default: `Math.random`. */
  readonly random?: () => number;
}

/** A client that asks for a shard. */
export interface ConnectRequest {
  readonly roomId: string;
  readonly autoCreate: boolean;
  readonly isAuthenticated: boolean;
  readonly hint: LocationHint | undefined;
}

const REFUSALS: Readonly<Record<Exclude<Placement["kind"], "placed">, Refusal>> = {
  "unknown room": { status: 404, error: "There is no such room", code: "not_found" },
  "too many rooms": { status: 404, error: "This world has as many rooms as it may have. Try again later" },
  "no space": { status: 404, error: "The room has no capacity left" },
  "not allowed to grow": { status: 401, error: "This room needs a token to be started or extended" },
};
const UNREACHABLE: Refusal = { status: 503, error: "A shard could not be started. Try again" };
const NO_WORLD: Refusal = { status: 404, error: "There is no such World", code: "not_found" };
const OTHER_ROOM: Refusal = { status: 400, error: "The report is of another room" };
const LIST_FULL: Refusal = { status: 503, error: "This world lists as many rooms as it may. Try again later" };

/** One World: it decides with its registry, and then tells the shards. */
export class World {
  readonly visitors: Visitors;
  readonly finder: Finder;
  readonly #listings: Listings;
  readonly #parts: WorldParts;
  readonly #room: RoomHandle;
  readonly #registry: Registry;
  readonly #launches: Launches;

  constructor(parts: WorldParts, state: WorldState, room: RoomHandle) {
    this.#parts = parts;
    this.#room = room;
    this.visitors = new Visitors(parts.settings.connectRate);
    this.#registry = new Registry(state, parts.settings, parts.random ?? Math.random);
    this.#launches = new Launches(room.id, this.#registry, parts.shards(room.env), parts.log);
    this.#listings = new Listings(state, parts.settings.maxRooms);
    this.finder = new Finder({
      worldId: room.id,
      listings: this.#listings,
      host: parts.rooms(room.env),
      log: parts.log,
      find: parts.find,
      now: () => this.now(),
    });
  }

  now(): number {
    return this.#parts.now?.() ?? Date.now();
  }

  /** Finds a client a shard. @returns its id */
  async connect({ isAuthenticated, ...visit }: ConnectRequest): Promise<string | Refusal> {
    const found = this.#parts.find("main", visit.roomId);
    if (!found) return REFUSALS["unknown room"];
    const mayGrow = isAuthenticated || found.room.compiled.settings.auth !== "required";
    const placement = this.#registry.place({ ...visit, mayGrow }, this.now());
    this.keepSweeping();
    if (placement.kind !== "placed") return REFUSALS[placement.kind];
    const { shard, added } = placement;
    for (const other of added) void this.#launches.ready(other);
    const isReady = await this.#launches.ready(shard);
    return isReady && this.#isGivenOut(shard) ? shard.info().id : UNREACHABLE;
  }

  /** Adds a room, or changes how it is run. @returns the ids of its active shards */
  async register(registration: Registration): Promise<string[] | Refusal> {
    const refusal = this.#checkRegistration(registration);
    if (refusal) return refusal;
    const added = this.#registry.register(registration, this.now());
    return this.#launchAll(registration.name, added);
  }

  /** Brings a room to a number of active shards. @returns their ids */
  async scale({ roomId, targetShardCount, shardTemplate }: Scaling): Promise<string[] | Refusal> {
    const room = this.#registry.room(roomId);
    if (!room) return REFUSALS["unknown room"];
    const { maxShards } = room.info().config;
    if (targetShardCount > maxShards) {
      return { status: 400, error: `This room may have ${maxShards} shards at most, not ${targetShardCount}` };
    }
    const { added, drained } = this.#registry.scale(room, targetShardCount, this.now(), shardTemplate?.maxConnections);
    await Promise.all(drained.map((shard) => this.#launches.tell(shard)));
    return this.#launchAll(roomId, added);
  }

  /** Takes in what a shard says of itself, or an operator of it. @returns undefined if all is well */
  async report(report: Report, isOperator: boolean): Promise<Refusal | undefined> {
    const { shardId, worldId } = report;
    if (worldId !== undefined && worldId !== this.#room.id) {
      return { status: 400, error: "The shard belongs to another world" };
    }
    const shard = this.#registry.shard(shardId);
    if (!shard) return { status: 404, error: "There is no such shard" };
    const hasTurned = this.#registry.report(shard, report, isOperator, this.now());
    // A shard that waits for this answer must not be waited for.
    const telling = hasTurned ? this.#launches.tell(shard) : undefined;
    if (isOperator) await telling;
    return undefined;
  }

  /** Takes in what a room says of itself. @returns undefined if all is well */
  list({ party, roomId, report }: ListingUpdate): Refusal | undefined {
    const { ids } = this.#parts.settings;
    if (ids && !ids.includes(this.#room.id)) return NO_WORLD;
    if (report && (report.party !== party || report.roomId !== roomId)) return OTHER_ROOM;
    if (!report) this.#listings.remove({ party, roomId });
    else if (!this.#listings.take(report, this.now())) return LIST_FULL;
    this.keepSweeping();
    return undefined;
  }

  /** How the rooms and shards do that hold somebody. */
  metrics(): Promise<WorldMetrics> {
    const { observe, log } = this.#parts;
    return gather(this.#room.id, this.#registry, this.#listings, observe(this.#room.env), log);
  }

  /** Removes what is of no use any more, and comes again as long as there is something. */
  async sweep(): Promise<void> {
    const removed = sweep(this.#registry, this.#parts.settings.roomIdle, this.now());
    if (this.#isWorthSweeping) this.#room.schedule("sweep", SWEEP_INTERVAL);
    await Promise.all([this.#launches.retire(removed), this.finder.sweep(this.#parts.settings.roomIdle)]);
  }

  #checkRegistration({ name, minShards, maxShards }: Registration): Refusal | undefined {
    const most = this.#parts.settings.maxShards;
    if (!this.#parts.find("main", name)) return badRegistration("name", "No room definition matches this name");
    if (maxShards !== undefined && maxShards > most) {
      return badRegistration("maxShards", `A room of this service may have ${most} shards at most`);
    }
    if (minShards > (maxShards ?? most)) {
      return { status: 400, error: `minShards (${minShards}) is more than maxShards (${maxShards ?? most})` };
    }
    if (this.#registry.room(name) || !this.#registry.isFull) return undefined;
    return { status: 400, error: `This world has as many rooms as it may have: ${this.#parts.settings.maxRooms}` };
  }

  async #launchAll(roomId: string, added: readonly Shard[]): Promise<string[] | Refusal> {
    this.keepSweeping();
    const outcomes = await Promise.all(added.map((shard) => this.#launches.ready(shard)));
    if (outcomes.includes(false)) return UNREACHABLE;
    return this.#registry.activeOf(roomId).map((shard) => shard.info().id);
  }

  /** While a client waited for it, a shard may have been drained or removed. */
  #isGivenOut(shard: Shard): boolean {
    return this.#registry.shard(shard.info().id) === shard && isActive(shard);
  }

  /** An alarm costs: it is set only while there is something to look after. */
  keepSweeping(): void {
    if (this.#room.schedules.some(({ name }) => name === "sweep") || !this.#isWorthSweeping) return;
    this.#room.schedule("sweep", SWEEP_INTERVAL);
  }

  get #isWorthSweeping(): boolean {
    return this.#listings.size > 0 || isWorthSweeping(this.#registry);
  }
}

function badRegistration(field: string, message: string): Refusal {
  return { status: 400, error: "Invalid room configuration", details: [{ path: [field], message }] };
}
