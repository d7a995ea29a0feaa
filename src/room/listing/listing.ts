import type { ListingOptions, Metadata } from "../../define/types.ts";
import { hasHostileKey } from "../../protocol/decode.ts";
import { RoomError } from "../../protocol/errors.ts";
import { isPlain } from "../../state/diff.ts";
import { toPlain } from "../../state/to-plain.ts";
import type { Wakeable } from "../timing/alarms.ts";
import type { ListingPlace, ListingReport, Worlds } from "./report.ts";
import type { Clock, Storage } from "../../platform/ports.ts";
import { PRIVATE_PREFIX } from "../storage/keys.ts";

/** What a listing needs of the room. */
export interface ListingScope {
  readonly place: ListingPlace & { readonly path: string; readonly maxUsers: number };
  readonly storage: Storage;
  readonly clock: Clock;
  readonly worlds: Worlds;
  /** How many distinct users are online. */
  readonly users: () => number;
  readonly failed: (event: string, error: unknown) => void;
  /** Something is due at another time than before. */
  readonly arm: () => void;
}

interface Wanted {
  readonly worldId: string;
  readonly metadata: string;
  readonly locked: boolean;
}

/** What a World may know: `users` is undefined until it has answered. */
interface Told {
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
 * The room's entry in the list of a World. What is wanted, and what the World was told of it, are stored, so that
 * whatever dies in between, the World is told again; and a room that sleeps and wakes tells it nothing new.
 */
export class Listing implements Wakeable {
  readonly #scope: ListingScope;
  #wanted: Wanted | undefined;
  #told: Told | undefined;
  #dueAt: number | undefined;
  #lastAt = -Infinity;

  constructor(scope: ListingScope) {
    this.#scope = scope;
  }

  load(rows: readonly [key: string, value: unknown][]): void {
    const stored = rows.find(([key]) => key === KEY)?.[1] as { wanted?: Wanted; told?: Told } | undefined;
    this.#wanted = stored?.wanted;
    this.#told = stored?.told;
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
    if (wanted) this.#told = { worldId: (this.#told ?? wanted).worldId };
    this.#store();
    this.changed(0);
  }

  /** What a World is told now; null if the room is in no list. */
  read(worldId: string): ListingReport | null {
    const wanted = this.#wanted;
    if (wanted?.worldId !== worldId) return null;
    const { place, users } = this.#scope;
    const maxUsers = place.maxUsers === Infinity ? null : place.maxUsers;
    return { ...place, metadata: wanted.metadata, locked: wanted.locked, users: users(), maxUsers };
  }

  /** Something may be other than the World knows. @param delay in which more may come, in ms */
  changed(delay = SPACING): void {
    if (!this.#isDirty) return;
    const now = this.#scope.clock.now();
    // The clock may have jumped back since.
    const at = Math.max(now + delay, Math.min(this.#lastAt, now) + SPACING);
    if (at >= (this.#dueAt ?? Infinity)) return;
    this.#dueAt = at;
    this.#scope.arm();
  }

  due(): number | undefined {
    return this.#dueAt;
  }

  /** Tells the World. A throw is tried again, later and later. */
  async run(now: number): Promise<void> {
    this.#lastAt = now;
    if (this.#isDirty) await this.#tellAll();
    this.#dueAt = undefined;
    this.changed();
  }

  get #isDirty(): boolean {
    if (!this.#wanted) return this.#told !== undefined;
    return this.#told?.worldId !== this.#wanted.worldId || this.#told.users !== this.#scope.users();
  }

  async #tellAll(): Promise<void> {
    const before = this.#told?.worldId;
    if (before !== undefined && before !== this.#wanted?.worldId) {
      await this.#tell(before, null);
      this.#know(this.#wanted && { worldId: this.#wanted.worldId });
    }
    const wanted = this.#wanted;
    const report = wanted && this.read(wanted.worldId);
    if (!report) return;
    await this.#tell(wanted.worldId, report);
    // It may be another one by now.
    if (this.#wanted === wanted) this.#know({ worldId: wanted.worldId, users: report.users });
  }

  async #tell(worldId: string, report: ListingReport | null): Promise<void> {
    const { place, worlds, failed } = this.#scope;
    const refusal = await worlds.report(worldId, { party: place.party, roomId: place.roomId }, report);
    if (refusal !== undefined) failed("listing_failed", new Error(refusal));
  }

  #know(told: Told | undefined): void {
    this.#told = told;
    this.#store();
  }

  #store(): void {
    const { storage } = this.#scope;
    if (this.#wanted || this.#told) storage.put(KEY, { wanted: this.#wanted, told: this.#told });
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
