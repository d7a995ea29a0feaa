import type { FindRoom } from "../define/room.ts";
import type { Metadata } from "../define/types.ts";
import type { ListingPlace } from "../room/listing/report.ts";
import type { Log } from "../platform/log.ts";
import type { Calls } from "./calls.ts";
import type { RoomHost } from "./hosts.ts";
import { randomText } from "./keys.ts";
import { matches, isOpen } from "./listings.ts";
import type { Listed, Listings, Query } from "./listings.ts";
import { logFailure } from "./log.ts";
import { unreachable } from "./error-answer.ts";
import type { ErrorAnswer } from "./error-answer.ts";
import type { Creation } from "./schemas.ts";
import { LISTING_SILENCE, LISTING_TRUST } from "./settings.ts";

/** The parts of the World that finding rooms needs. */
export interface FinderParts {
  readonly worldId: string;
  readonly listings: Listings;
  readonly host: RoomHost;
  readonly calls: Calls;
  readonly find: FindRoom;
  readonly now: () => number;
  readonly log: Log;
}

/** A client that looks for rooms. */
interface Caller {
  readonly isAuthenticated: boolean;
}

/** A room in the answer to a client. */
export interface FoundRoom {
  readonly roomId: string;
  readonly metadata: Metadata;
  readonly locked: boolean;
  readonly users: number;
  readonly maxUsers: number | null;
}

/** How long a room that did not answer is skipped, in ms. */
const SKIP_TIME = 10_000;
/** How often a search starts again because the listing of a room was outdated. */
const MOST_ROUNDS = 20;
/** The maximum number of rooms that one sweep asks, since each is a call. */
const MOST_ASKED = 50;

const NO_KIND: ErrorAnswer = { status: 404, error: "There is no such kind of room", code: "not_found" };
const NO_ROOM: ErrorAnswer = { status: 404, error: "There is no matching room with a free place" };
const NEEDS_TOKEN: ErrorAnswer = { status: 401, error: "These rooms need a token" };
const IS_FULL: ErrorAnswer = { status: 404, error: "The list of this World is full. Try again later" };
const IS_BUSY: ErrorAnswer = { status: 503, error: "Too many clients look for the same room. Try again" };
const NO_SUCH_PATH: ErrorAnswer = { status: 400, error: "These segments do not fit the path of this kind of room" };
const UNFIT: ErrorAnswer = { status: 400, error: "A new room of this kind is not listed, or does not fit the filter" };

/** Finds rooms for clients, and asks rooms whether their listings are still correct. */
export class Finder {
  readonly #parts: FinderParts;
  /** By query. Clients with the same query wait for one new room, instead of getting one each. */
  readonly #creations = new Map<string, Promise<unknown>>();
  /** By room: the question that is being asked. */
  readonly #checks = new Map<Listed["entry"], Promise<void>>();
  /** By room: until when it is skipped. */
  readonly #skippedUntil = new WeakMap<Listed["entry"], number>();

  constructor(parts: FinderParts) {
    this.#parts = parts;
  }

  /** Finds a room with a free place, and reserves the place for a while. */
  async find(query: Query, create: Creation, caller: Caller): Promise<FoundRoom | ErrorAnswer> {
    const refusal = this.#refuse(query, caller);
    if (refusal) return refusal;
    const key = JSON.stringify([query, create]);
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const best = this.#best(query);
      if (best && this.#isFresh(best)) return this.#reserve(best);
      if (best) await this.#check(best);
      else if (create === false) return NO_ROOM;
      else if (this.#creations.has(key)) await this.#creations.get(key);
      else return this.#createOnce(key, query, create);
    }
    return IS_BUSY;
  }

  /** The rooms that match, including locked and full ones; those with a free place first. */
  list(query: Query, limit: number, caller: Caller): readonly FoundRoom[] | ErrorAnswer {
    const { listings, now } = this.#parts;
    return this.#refuse(query, caller) ?? listings.search(query, now()).slice(0, limit).map(show);
  }

  /** Removes rooms that have been empty for long, and asks those that have not reported for long. */
  async sweep(idle: number): Promise<void> {
    const { listings, now } = this.#parts;
    const time = now();
    for (const listed of listings.all()) {
      const { users, usedAt } = listed.entry.info();
      if (users === 0 && time - usedAt >= idle) listings.remove(listed.entry.info());
    }
    const silent = listings.all().filter(({ entry }) => time - entry.info().reportedAt >= LISTING_SILENCE);
    await Promise.all(silent.slice(0, MOST_ASKED).map((listed) => this.#check(listed)));
  }

  #refuse({ party, room }: Query, { isAuthenticated }: Caller): ErrorAnswer | undefined {
    const kind = this.#kind(party, room, {});
    if (!kind) return NO_KIND;
    return kind.room.compiled.settings.auth === "required" && !isAuthenticated ? NEEDS_TOKEN : undefined;
  }

  /** A new id for a room of this kind. @returns undefined if no definition of the service matches it */
  #kind(party: string, path: string, segments: Readonly<Record<string, string>>) {
    const rest = { ...segments };
    const roomId = path.replace(/\{(\w+)\}/g, (_, name: string) => {
      const given = Object.hasOwn(rest, name) ? rest[name] : undefined;
      delete rest[name];
      return given ?? randomText();
    });
    const found = this.#parts.find(party, roomId);
    const isMeant =
      found?.room.path === path &&
      Object.keys(rest).length === 0 &&
      Object.entries(segments).every(([name, value]) => found.params[name] === value);
    return isMeant ? { roomId, room: found.room } : undefined;
  }

  #best(query: Query): Listed | undefined {
    const { listings, now } = this.#parts;
    const time = now();
    return listings
      .search(query, time)
      .find((listed) => isOpen(listed, time) && (this.#skippedUntil.get(listed.entry) ?? 0) <= time);
  }

  #isFresh({ entry }: Listed): boolean {
    return this.#parts.now() - entry.info().reportedAt < LISTING_TRUST;
  }

  #reserve(listed: Listed): FoundRoom {
    this.#parts.listings.reserve(listed, this.#parts.now());
    return show(listed);
  }

  /** Asks a room for its listing. Never rejects. */
  #check(listed: Listed): Promise<void> {
    const { entry } = listed;
    const running = this.#checks.get(entry) ?? this.#ask(entry).finally(() => this.#checks.delete(entry));
    this.#checks.set(entry, running);
    return running;
  }

  async #ask(entry: Listed["entry"]): Promise<void> {
    const { listings, calls, host, worldId, now } = this.#parts;
    const place = entry.info();
    try {
      const report = await calls.make(() => host.ask(place, worldId));
      if (report) listings.take(report, now());
      else listings.remove(place);
    } catch (error) {
      const subject = { party: place.party, room: place.roomId };
      logFailure(this.#parts.log, "listing_check_failed", worldId, subject, error);
      this.#skippedUntil.set(entry, now() + SKIP_TIME);
    }
  }

  #createOnce(key: string, query: Query, create: Creation): Promise<FoundRoom | ErrorAnswer> {
    const creation = this.#create(query, create === true || create === false ? {} : create);
    this.#creations.set(key, creation);
    return creation.finally(() => this.#creations.delete(key));
  }

  /** Starts a room, which then has to list itself. Never rejects. */
  async #create(query: Query, segments: Readonly<Record<string, string>>): Promise<FoundRoom | ErrorAnswer> {
    const { listings, calls, host, worldId, now } = this.#parts;
    const kind = this.#kind(query.party, query.room, segments);
    if (!kind) return NO_SUCH_PATH;
    if (listings.isFull) return IS_FULL;
    const place: ListingPlace = { party: query.party, roomId: kind.roomId };
    try {
      const report = await calls.make(() => host.ask(place, worldId, true));
      if (report && !listings.take(report, now())) return IS_FULL;
    } catch (error) {
      const subject = { party: query.party, room: kind.roomId };
      logFailure(this.#parts.log, "room_start_failed", worldId, subject, error);
      return unreachable("room", error);
    }
    const listed = listings.get(place);
    return listed && matches(listed, query) && isOpen(listed, now()) ? this.#reserve(listed) : UNFIT;
  }
}

function show({ entry, metadata }: Listed): FoundRoom {
  const { roomId, locked, users, maxUsers } = entry.info();
  return { roomId, metadata, locked, users, maxUsers };
}
