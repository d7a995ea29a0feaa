import type { ListingOptions, Metadata } from "../../define/types.ts";
import { hasHostileKey, isPlain } from "../../protocol/values.ts";
import { RoomError } from "../../protocol/errors.ts";
import { toPlain } from "../../state/to-plain.ts";
import type { Connections } from "../connections/connections.ts";
import type { Alarms, Wakeable } from "../timing/alarms.ts";
import type { OwnRows, RoomPart } from "../timing/room-part.ts";
import type { ListingPlace, ListingReport, Worlds } from "./report.ts";
import type { Clock, Failures, Storage } from "../../platform/ports.ts";
import { remaining } from "../../platform/clock.ts";
import { PRIVATE_PREFIX } from "../storage/keys.ts";

/** What a listing needs of the room. */
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

/** What was reported to a World: `users` is undefined until it has answered. */
interface Reported {
  readonly worldId: string;
  readonly users?: number | undefined;
}

const KEY = `${PRIVATE_PREFIX}listing`;
const DEFAULT_WORLD = "world-default";
/** Bytes of metadata as JSON. A World keeps that of thousands of rooms. */
const MOST_BYTES = 2048;
/** A World hears of a room no more often than this. ms */
const SPACING = 1000;

/**
 * The room's entry in the list of a World. What is wanted, and what was reported of it, are stored, so that
 * whatever dies in between, it is reported again; and a room that sleeps and wakes reports nothing new.
 */
export class Listing implements RoomPart, Wakeable {
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

  /**
   * Lists the room, changes its entry, or with null takes it off the list.
   * @throws RoomError `internal` if the metadata is no plain object, or more than 2 KB
   */
  set(metadata: Metadata | null, { worldId = DEFAULT_WORLD, locked = false }: ListingOptions = {}): void {
    const wanted = metadata === null ? undefined : { worldId, metadata: encode(metadata), locked };
    if (JSON.stringify(wanted) === JSON.stringify(this.#wanted)) return;
    this.#wanted = wanted;
    // From here on the World may know, and has to be told if the room is taken off again.
    this.#store(wanted ? { worldId: (this.#reported ?? wanted).worldId } : this.#reported);
    this.changed(0);
  }

  /** What a World is told now; null if the room is in no list. */
  read(worldId: string): ListingReport | null {
    const wanted = this.#wanted;
    if (wanted?.worldId !== worldId) return null;
    const { place, connections } = this.#scope;
    const maxUsers = place.maxUsers === Infinity ? null : place.maxUsers;
    return { ...place, metadata: wanted.metadata, locked: wanted.locked, users: connections.userCount, maxUsers };
  }

  /** Something may be other than the World knows. @param delay in which more may come, in ms */
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

  /** Reports to the World. A throw is tried again, later and later. */
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
      this.#store(this.#wanted && { worldId: this.#wanted.worldId });
    }
    const wanted = this.#wanted;
    const report = wanted && this.read(wanted.worldId);
    if (!report) return;
    await this.#report(wanted.worldId, report);
    // It may be another one by now.
    if (this.#wanted === wanted) this.#store({ worldId: wanted.worldId, users: report.users });
  }

  async #report(worldId: string, report: ListingReport | null): Promise<void> {
    const { place, worlds, failures } = this.#scope;
    const refusal = await worlds.report(worldId, { party: place.party, roomId: place.roomId }, report);
    if (refusal !== undefined) failures.failed("listing_failed", new Error(refusal));
  }

  #store(reported: Reported | undefined): void {
    this.#reported = reported;
    const { storage } = this.#scope;
    if (this.#wanted || reported) storage.put(KEY, { wanted: this.#wanted, told: reported });
    else storage.delete(KEY);
  }
}

function encode(metadata: Metadata): string {
  const plain = toPlain(metadata);
  if (!isPlain(plain) || hasHostileKey(plain))
    throw new RoomError("internal", "A listing's metadata is a plain object");
  const text = JSON.stringify(plain);
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > MOST_BYTES) {
    throw new RoomError("internal", `A listing's metadata has ${MOST_BYTES} bytes at most as JSON, not ${bytes}`);
  }
  return text;
}
