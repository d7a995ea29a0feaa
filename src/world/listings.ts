import type { Metadata } from "../define/types.ts";
import type { ListingPlace, ListingReport } from "../room/listing/report.ts";
import { fits } from "./filter.ts";
import type { Filter } from "./filter.ts";
import { roomKey } from "./keys.ts";
import { RESERVATION_LIFE } from "./settings.ts";
import { makeListing } from "./state.ts";
import type { ListingEntry, WorldState } from "./state.ts";

/** Which rooms to look for. */
export interface Query {
  readonly party: string;
  /** The path of their definition. */
  readonly room: string;
  readonly filter: Filter;
  readonly order: Order;
}
/** Which rooms come first. */
export const ORDERS = ["fullest", "emptiest"] as const;
type Order = (typeof ORDERS)[number];

/** A listed room: its stored values, and its parsed metadata. */
export interface Listed {
  readonly entry: ListingEntry;
  readonly metadata: Metadata;
}

/**
 * The list of rooms of a World: all decisions about it, without the calls. A report of a room replaces the previous
 * one. Places are reserved for a while, as with shards. The room itself enforces its `maxUsers`.
 */
export class Listings {
  readonly #state: WorldState;
  readonly #most: number;
  readonly #listed = new Map<string, { readonly key: string; readonly listed: Listed }>();

  /** @param state restored already @param most the maximum number of listed rooms */
  constructor(state: WorldState, most: number) {
    this.#state = state;
    this.#most = most;
    for (const [key, entry] of Object.entries(state.listings())) this.#index(key, entry);
  }

  get size(): number {
    return this.#listed.size;
  }

  get isFull(): boolean {
    return this.size >= this.#most;
  }

  get(place: ListingPlace): Listed | undefined {
    return this.#listed.get(nameOf(place))?.listed;
  }

  /** All listed rooms, in a new list, since some may be removed meanwhile. */
  all(): Listed[] {
    return Array.from(this.#listed.values(), ({ listed }) => listed);
  }

  /** Takes a report of a room. @returns false if no further room can be listed */
  take(report: ListingReport, now: number): boolean {
    const existing = this.#listed.get(nameOf(report));
    if (!existing && this.isFull) return false;
    const entry = existing?.listed.entry ?? makeListing();
    const { users: before, usedAt, reservations } = entry.info();
    // New users take up the oldest reservations.
    const came = Math.max(report.users - before, 0);
    entry.info.set({
      ...report,
      reportedAt: now,
      usedAt: !existing || report.users > 0 || before > 0 ? now : usedAt,
      reservations: reservations.filter((end) => end > now).slice(came),
    });
    const key = existing?.key ?? roomKey(nameOf(report));
    if (!existing) this.#state.listings()[key] = entry;
    this.#index(key, entry);
    return true;
  }

  remove(place: ListingPlace): void {
    const existing = this.#listed.get(nameOf(place));
    if (!existing) return;
    delete this.#state.listings()[existing.key];
    this.#listed.delete(nameOf(place));
  }

  /** The rooms that match, those with a free place first. */
  search(query: Query, now: number): Listed[] {
    const sign = query.order === "fullest" ? -1 : 1;
    const found = [...this.#listed.values()].filter(({ listed }) => matches(listed, query));
    const ranked = found.map(({ listed }, index) => {
      const load = loadOf(listed, now);
      return { listed, index, rank: isOpen(listed, now) ? sign * load : Infinity };
    });
    // Of equal rooms, the one that is listed longest comes first, so that users meet there.
    ranked.sort((a, b) => (a.rank === b.rank ? a.index - b.index : a.rank - b.rank));
    return ranked.map(({ listed }) => listed);
  }

  /** Reserves a place for a user who is about to connect. */
  reserve({ entry }: Listed, now: number): void {
    const info = entry.info();
    const reservations = [...info.reservations.filter((end) => end > now), now + RESERVATION_LIFE];
    entry.info.set({ ...info, usedAt: now, reservations });
  }

  #index(key: string, entry: ListingEntry): void {
    const info = entry.info();
    const metadata = JSON.parse(info.metadata) as Metadata;
    this.#listed.set(nameOf(info), { key, listed: { entry, metadata } });
  }
}

/** A party has no slash, so two rooms never have the same name. */
function nameOf({ party, roomId }: ListingPlace): string {
  return `${party}/${roomId}`;
}

export function matches({ entry, metadata }: Listed, { party, room, filter }: Query): boolean {
  const info = entry.info();
  return info.party === party && info.path === room && fits(metadata, filter);
}

/** Whether a user can be sent there. */
export function isOpen(listed: Listed, now: number): boolean {
  const { locked, maxUsers } = listed.entry.info();
  return !locked && loadOf(listed, now) < (maxUsers ?? Infinity);
}

/** The number of users, including reservations. */
export function loadOf({ entry }: Listed, now: number): number {
  const { users, reservations } = entry.info();
  return users + reservations.filter((end) => end > now).length;
}
