import type { ListingOptions, Metadata } from "../../define/types.ts";
import { hasHostileKey, isPlain } from "../../protocol/values.ts";
import { RoomError } from "../../protocol/errors.ts";
import { toPlain } from "../../state/to-plain.ts";
import type { Connections } from "../connections/connections.ts";
import type { Alarms, Wakeable } from "../timing/alarms.ts";
import type { OwnRows, RoomPart } from "../timing/room-part.ts";
import type { ListingPlace, ListingReport, RoomListing, Worlds } from "./report.ts";
import type { Clock, Failures, Storage } from "../../platform/ports.ts";
import { remaining } from "../../platform/clock.ts";
import { within } from "../../platform/timeout.ts";
import { PRIVATE_PREFIX } from "../storage/keys.ts";
import { hasParts, isFlag, isNumber, isText, maybe } from "../storage/runtime-rows.ts";

/** The parts of the room that its listing needs. */
export interface ListingScope {
  readonly place: ListingPlace & { readonly path: string; readonly maxUsers: number };
  readonly storage: Storage;
  readonly clock: Clock;
  readonly worlds: Worlds;
  readonly connections: Connections;
  readonly alarms: Alarms;
  readonly failures: Failures;
}

interface Wanted {
  readonly worldId: string;
  readonly metadata: string;
  readonly locked: boolean;
}

/** The last report to a World. `users` is undefined until the World has answered. */
interface Reported {
  readonly worldId: string;
  readonly users?: number | undefined;
}

const KEY = `${PRIVATE_PREFIX}listing`;
/** Checks the row of the listing. */
export const LISTING_ROW = hasParts({
  wanted: maybe(hasParts({ worldId: isText, metadata: isText, locked: isFlag })),
  told: maybe(hasParts({ worldId: isText, users: maybe(isNumber) })),
});
const DEFAULT_WORLD = "world-default";
/** The maximum size of metadata as JSON, in bytes, since a World keeps that of thousands of rooms. */
const MOST_BYTES = 2048;
/** How long the World may take to remove a room that ends from its list, in ms. */
const PATIENCE = 5000;
/** The minimum time between two reports of a room, in ms. */
const SPACING = 1000;

/**
 * The room's entry in the list of a World. The wanted entry and the last report are stored: after a crash of either
 * side the report is repeated, and a room that wakes after hibernation does not report what the World already knows.
 */
export class Listing implements RoomListing, RoomPart, Wakeable {
  readonly #scope: ListingScope;
  #wanted: Wanted | undefined;
  #reported: Reported | undefined;
  #dueAt: number | undefined;
  #lastAt = -Infinity;

  constructor(scope: ListingScope) {
    this.#scope = scope;
  }

  load(rows: OwnRows): void {
    const [row] = rows.of("listing");
    const stored = row?.[1] as { wanted?: Wanted; told?: Reported } | undefined;
    this.#wanted = stored?.wanted;
    this.#reported = stored?.told;
  }

  /** @throws RoomError `internal` if the metadata is not a plain object, or has more than 2 KB */
  set(metadata: Metadata | null, { worldId = DEFAULT_WORLD, locked = false }: ListingOptions = {}): void {
    const wanted = metadata === null ? undefined : { worldId, metadata: encode(metadata), locked };
    if (JSON.stringify(wanted) === JSON.stringify(this.#wanted)) return;
    // From now on the World may know the room, and has to be told when the room is removed from the list.
    this.#store(wanted, wanted ? { worldId: (this.#reported ?? wanted).worldId } : this.#reported);
    this.changed(0);
  }

  /** A World that is not reached asks the room before it sends a user. */
  async withdraw(): Promise<void> {
    const { clock, failures } = this.#scope;
    const told = this.#reported;
    try {
      if (told) await within(PATIENCE, this.#report(told.worldId, null), noAnswer, clock);
    } catch (error) {
      failures.failed("listing_failed", error);
    }
  }

  read(worldId: string): ListingReport | null {
    const wanted = this.#wanted;
    if (wanted?.worldId !== worldId) return null;
    const { place, connections } = this.#scope;
    const maxUsers = place.maxUsers === Infinity ? null : place.maxUsers;
    return { ...place, metadata: wanted.metadata, locked: wanted.locked, users: connections.userCount, maxUsers };
  }

  /** Schedules a report if the World's entry is outdated. @param delay to merge it with further changes, in ms */
  changed(delay = SPACING): void {
    if (!this.#isDirty) return;
    const now = this.#scope.clock.now();
    const at = now + Math.max(delay, remaining(this.#lastAt + SPACING, now, SPACING));
    if (at >= (this.#dueAt ?? Infinity)) return;
    this.#dueAt = at;
    this.#scope.alarms.arm(this);
  }

  connectionsChanged(): void {
    this.changed();
  }

  due(): number | undefined {
    return this.#dueAt;
  }

  /** Reports to the World. If it throws, the alarm repeats it with backoff. */
  async run(now: number): Promise<void> {
    this.#lastAt = now;
    if (this.#isDirty) await this.#reportAll();
    this.#dueAt = undefined;
    this.changed();
  }

  get #isDirty(): boolean {
    if (!this.#wanted) return this.#reported !== undefined;
    return (
      this.#reported?.worldId !== this.#wanted.worldId || this.#reported.users !== this.#scope.connections.userCount
    );
  }

  async #reportAll(): Promise<void> {
    const before = this.#reported?.worldId;
    if (before !== undefined && before !== this.#wanted?.worldId) {
      await this.#report(before, null);
      this.#store(this.#wanted, this.#wanted && { worldId: this.#wanted.worldId });
    }
    const wanted = this.#wanted;
    const report = wanted && this.read(wanted.worldId);
    if (!report) return;
    await this.#report(wanted.worldId, report);
    // `set` may have been called meanwhile.
    if (this.#wanted === wanted) this.#store(wanted, { worldId: wanted.worldId, users: report.users });
  }

  async #report(worldId: string, report: ListingReport | null): Promise<void> {
    const { place, worlds, failures } = this.#scope;
    const refusal = await worlds.report(worldId, { party: place.party, roomId: place.roomId }, report);
    if (refusal !== undefined) failures.failed("listing_failed", new Error(refusal));
  }

  /** Stored first, so that memory does not have a value that could not be stored. */
  #store(wanted: Wanted | undefined, reported: Reported | undefined): void {
    const { storage } = this.#scope;
    if (wanted || reported) storage.put(KEY, { wanted, told: reported });
    else storage.delete(KEY);
    this.#wanted = wanted;
    this.#reported = reported;
  }
}

function noAnswer(): Error {
  return new Error("The World did not answer");
}

function encode(metadata: Metadata): string {
  const plain = toPlain(metadata);
  if (!isPlain(plain) || hasHostileKey(plain))
    throw new RoomError("internal", "The metadata of a listing has to be a plain object");
  const text = JSON.stringify(plain);
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > MOST_BYTES) {
    throw new RoomError(
      "internal",
      `The metadata of a listing may have up to ${MOST_BYTES} bytes as JSON, not ${bytes}`,
    );
  }
  return text;
}
