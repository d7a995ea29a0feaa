import { AddressLimit } from "../platform/address-limit.ts";
import { REAL_CLOCK } from "../platform/clock.ts";
import type { Clock } from "../platform/ports.ts";
import type { FindRoom } from "../define/room.ts";
import type { RoomHandle } from "../define/types.ts";
import type { Log } from "../platform/log.ts";
import type { LocationHint } from "./assignment.ts";
import type { Jurisdiction } from "../platform/jurisdiction.ts";
import { Calls } from "./calls.ts";
import { Finder } from "./finder.ts";
import type { MetricsHost, RoomHost, ShardHost } from "./hosts.ts";
import { ShardStarter } from "./shard-starter.ts";
import { Listings } from "./listings.ts";
import { logFailure } from "./log.ts";
import { gather } from "./metrics.ts";
import type { WorldMetrics } from "./metrics.ts";
import { Registry } from "./registry.ts";
import type { Placement } from "./registry.ts";
import type { ErrorAnswer } from "./error-answer.ts";
import type { ListingUpdate, Registration, Report, Scaling } from "./schemas.ts";
import { SWEEP_INTERVAL } from "./settings.ts";
import type { WorldSettings } from "./settings.ts";
import { isActive } from "./state.ts";
import type { Shard, WorldState } from "./state.ts";
import { isSweepNeeded, removeDrained, sweep } from "./sweep.ts";

/** The parts that a World needs. */
export interface WorldParts {
  readonly settings: WorldSettings;
  /** Finds the definition of a room. */
  readonly find: FindRoom;
  /** Reaches shards, with the Worker's bindings. */
  readonly shards: (env: object) => ShardHost;
  /** Reaches rooms. */
  readonly rooms: (env: object) => RoomHost;
  /** Reaches rooms and shards for their metrics. */
  readonly observe: (env: object) => MetricsHost;
  /** The jurisdiction of a room, and so of its shards. Default: none. */
  readonly jurisdictionOf?: (roomId: string) => Jurisdiction | undefined;
  readonly log: Log;
  /** Milliseconds since 1970. Default: the real time. */
  readonly now?: () => number;
  /** Default: real timers. */
  readonly timers?: Pick<Clock, "after">;
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

const ERRORS: Readonly<Record<Exclude<Placement["kind"], "placed">, ErrorAnswer>> = {
  "unknown room": { status: 404, error: "There is no such room", code: "not_found" },
  "too many rooms": { status: 404, error: "This World has too many rooms. Try again later" },
  "no space": { status: 404, error: "The room is full" },
  "not allowed to grow": { status: 401, error: "A token is needed to start or extend this room" },
};
const GONE: ErrorAnswer = { status: 503, error: "The shard was drained. Try again" };
const NO_WORLD: ErrorAnswer = { status: 404, error: "There is no such World", code: "not_found" };
const OTHER_ROOM: ErrorAnswer = { status: 400, error: "The report is about another room" };
const LIST_FULL: ErrorAnswer = { status: 503, error: "The list of this World is full. Try again later" };

/** One World: it decides with its registry, and then calls the shards. */
export class World {
  /** How often an address may ask for a shard or a room. */
  readonly rateLimit: AddressLimit;
  readonly finder: Finder;
  readonly #listings: Listings;
  readonly #parts: WorldParts;
  readonly #room: RoomHandle;
  readonly #registry: Registry;
  readonly #starter: ShardStarter;

  constructor(parts: WorldParts, state: WorldState, room: RoomHandle) {
    this.#parts = parts;
    this.#room = room;
    const { requests, per } = parts.settings.connectRate;
    this.rateLimit = new AddressLimit({ messages: requests, per });
    this.#registry = new Registry(state, parts.settings, parts.random ?? Math.random, parts.jurisdictionOf);
    const { timers = REAL_CLOCK } = parts;
    const clock: Clock = { now: () => this.now(), after: (ms, run, why) => timers.after(ms, run, why) };
    this.#starter = new ShardStarter(room.id, this.#registry, parts.shards(room.env), parts.log, clock);
    this.#listings = new Listings(state, parts.settings.maxRooms);
    this.finder = new Finder({
      worldId: room.id,
      listings: this.#listings,
      host: parts.rooms(room.env),
      calls: new Calls(clock),
      log: parts.log,
      find: parts.find,
      now: () => this.now(),
    });
  }

  now(): number {
    return this.#parts.now?.() ?? Date.now();
  }

  /** Assigns a shard to a client. @returns its id */
  async connect({ isAuthenticated, ...request }: ConnectRequest): Promise<string | ErrorAnswer> {
    const found = this.#parts.find("main", request.roomId);
    if (!found) return ERRORS["unknown room"];
    const mayGrow = isAuthenticated || found.room.compiled.settings.auth !== "required";
    const placement = this.#registry.place({ ...request, mayGrow }, this.now());
    this.keepSweeping();
    if (placement.kind !== "placed") return ERRORS[placement.kind];
    const { shard, added } = placement;
    for (const other of added) void this.#starter.ensureStarted(other);
    const problem = await this.#starter.ensureStarted(shard);
    if (problem) return problem;
    return this.#isStillAssignable(shard) ? shard.info().id : GONE;
  }

  /** Adds a room, or changes its configuration. @returns the ids of its active shards */
  async register(registration: Registration): Promise<string[] | ErrorAnswer> {
    const refusal = this.#checkRegistration(registration);
    if (refusal) return refusal;
    const added = this.#registry.register(registration, this.now());
    return this.#startAll(registration.name, added);
  }

  /** Changes the number of active shards of a room. @returns their ids */
  async scale({ roomId, targetShardCount, shardTemplate }: Scaling): Promise<string[] | ErrorAnswer> {
    const room = this.#registry.room(roomId);
    if (!room) return ERRORS["unknown room"];
    const { maxShards } = room.info().config;
    if (targetShardCount > maxShards) {
      return { status: 400, error: `This room may have up to ${maxShards} shards, not ${targetShardCount}` };
    }
    const { added, drained } = this.#registry.scale(room, targetShardCount, this.now(), shardTemplate?.maxConnections);
    await this.#drain(drained);
    return this.#startAll(roomId, added);
  }

  /** Takes a report of a shard, or an operator's change of it. @returns undefined on success */
  async report(report: Report, isOperator: boolean): Promise<ErrorAnswer | undefined> {
    const { shardId, worldId } = report;
    if (worldId !== undefined && worldId !== this.#room.id) {
      return { status: 400, error: "The shard belongs to another World" };
    }
    const shard = this.#registry.shard(shardId);
    if (!shard) return { status: 404, error: "There is no such shard" };
    const hasChanged = this.#registry.report(shard, report, isOperator, this.now());
    this.keepSweeping();
    // Not awaited for a shard, which waits for the answer to its report.
    const sending = hasChanged || shard.info().status === "draining" ? this.#drain([shard], hasChanged) : undefined;
    if (isOperator) await sending;
    return undefined;
  }

  /** Retires drained shards that are empty, and tells the others about the change. */
  async #drain(shards: readonly Shard[], mustTell = true): Promise<void> {
    const ended = removeDrained(this.#registry, shards, this.now());
    const others = shards.filter((shard) => mustTell && !ended.includes(shard.info().id));
    await Promise.all([...others.map((shard) => this.#starter.sendAssignment(shard)), this.#starter.retire(ended)]);
  }

  /** Takes the listing of a room. @returns undefined on success */
  list({ party, roomId, report }: ListingUpdate): ErrorAnswer | undefined {
    const { ids } = this.#parts.settings;
    if (ids && !ids.includes(this.#room.id)) return NO_WORLD;
    if (report && (report.party !== party || report.roomId !== roomId)) return OTHER_ROOM;
    if (!report) this.#listings.remove({ party, roomId });
    else if (!this.#listings.take(report, this.now())) return LIST_FULL;
    this.keepSweeping();
    return undefined;
  }

  /** The metrics of all rooms and shards with clients. */
  metrics(): Promise<WorldMetrics> {
    const { observe, log } = this.#parts;
    return gather(this.#room.id, this.#registry, this.#listings, observe(this.#room.env), log);
  }

  /** Removes what is no longer used, and schedules the next sweep if there is anything left to watch. */
  async sweep(): Promise<void> {
    const removed = sweep(this.#registry, this.#parts.settings.roomIdle, this.now());
    const { roomIdle } = this.#parts.settings;
    await Promise.all([this.#starter.retire(removed), this.finder.sweep(roomIdle), this.#planSweep()]);
  }

  /** Rejects if the time cannot be stored. Then the sweep runs again. */
  async #planSweep(): Promise<void> {
    if (this.#isSweepNeeded) this.#room.schedule("sweep", SWEEP_INTERVAL);
  }

  #checkRegistration({ name, minShards, maxShards }: Registration): ErrorAnswer | undefined {
    const most = this.#parts.settings.maxShards;
    if (!this.#parts.find("main", name)) return badRegistration("name", "No room definition matches this name");
    if (maxShards !== undefined && maxShards > most) {
      return badRegistration("maxShards", `A room of this service may have up to ${most} shards`);
    }
    if (minShards > (maxShards ?? most)) {
      return { status: 400, error: `minShards (${minShards}) is more than maxShards (${maxShards ?? most})` };
    }
    if (this.#registry.room(name) || !this.#registry.isFull) return undefined;
    return { status: 400, error: `This World may have up to ${this.#parts.settings.maxRooms} rooms` };
  }

  async #startAll(roomId: string, added: readonly Shard[]): Promise<string[] | ErrorAnswer> {
    this.keepSweeping();
    const outcomes = await Promise.all(added.map((shard) => this.#starter.ensureStarted(shard)));
    const problem = outcomes.find((outcome) => outcome !== undefined);
    if (problem) return problem;
    return this.#registry.activeOf(roomId).map((shard) => shard.info().id);
  }

  /** While a client waited, the shard may have been drained or removed. */
  #isStillAssignable(shard: Shard): boolean {
    return this.#registry.shard(shard.info().id) === shard && isActive(shard);
  }

  /**
   * Since an alarm costs, it is set only while there is something that a sweep may remove. If that fails, the next
   * request or report of a shard sets it.
   */
  keepSweeping(): void {
    if (this.#room.schedules.some(({ name }) => name === "sweep") || !this.#isSweepNeeded) return;
    try {
      this.#room.schedule("sweep", SWEEP_INTERVAL);
    } catch (error) {
      logFailure(this.#parts.log, "save_failed", this.#room.id, {}, error);
    }
  }

  get #isSweepNeeded(): boolean {
    return this.#listings.size > 0 || isSweepNeeded(this.#registry);
  }
}

function badRegistration(field: string, message: string): ErrorAnswer {
  return { status: 400, error: "Invalid room configuration", details: [{ path: [field], message }] };
}
