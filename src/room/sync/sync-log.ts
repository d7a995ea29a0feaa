import { DELETE, epochOf } from "../../protocol/packets.ts";
import type { Position } from "../../protocol/packets.ts";
import { isPlain } from "../../protocol/values.ts";
import { put, Replacement } from "../../state/diff.ts";
import { Row } from "../../state/rows.ts";
import type { Rows } from "../../state/rows.ts";
import type { OwnRows } from "../timing/room-part.ts";
import { PRIVATE_PREFIX } from "../storage/keys.ts";

type Plain = Record<string, unknown>;

const KEY = `${PRIVATE_PREFIX}sync`;
/** At most so many patches are kept, and so many characters in all. */
const MAX_ENTRIES = 1000;
const MAX_SIZE = 1_000_000;

interface Entry {
  readonly patch: Plain;
  readonly size: number;
}

/**
 * The latest patches that everyone was sent, by number: a client that was away for a short time gets only what changed
 * since. A client from before the oldest patch gets the whole state. Kept only if a client of protocol 2 connected.
 */
export class SyncLog {
  readonly #row: Row;
  #epoch: string = crypto.randomUUID();
  /** The number of the last packet that everyone was sent. */
  seq = 0;
  #entries: Entry[] = [];
  #size = 0;
  #isUsed = false;
  /** A client that has an older packet than this cannot resume: removals that only some saw are not in the log. */
  #floor = 0;

  constructor(rows: Rows) {
    this.#row = new Row(rows, KEY, (persisted) => (persisted ? this.position : undefined));
  }

  get position(): Position {
    return { seq: this.seq, epoch: this.#epoch };
  }

  /**
   * Continues the numbers after sleep, since clients that stayed expect the next one. A restart begins a new epoch.
   * @param discard deletes a row
   */
  load(rows: OwnRows, didSleep: boolean, discard: (key: string) => void): void {
    const [row] = rows.of("sync");
    if (!row) return;
    if (!didSleep) return discard(KEY);
    ({ seq: this.seq, epoch: this.#epoch } = row[1] as Position);
    this.#isUsed = true;
  }

  /** From now on clients want numbers. */
  use(): void {
    if (this.#isUsed) return;
    this.#isUsed = true;
    this.#row.changed(true);
  }

  /** Records a patch that is sent to everyone. @param size in characters @returns its number */
  record(patch: Plain, size: number): number {
    if (!this.#isUsed) return 0;
    this.seq++;
    this.#row.changed(true);
    this.#entries.push({ patch, size });
    this.#size += size;
    while (this.#size > MAX_SIZE || this.#entries.length > MAX_ENTRIES) this.#size -= this.#entries.shift()?.size ?? 0;
    return this.seq;
  }

  /** Empties the log: something was removed that only some could see, which the log cannot tell a client. */
  cut(): void {
    this.#entries = [];
    this.#size = 0;
    this.#floor = this.seq + 1;
  }

  /**
   * Makes the patch with all changes since a client's position.
   * @param publicId the client's user
   * @param state as it is now
   * @returns undefined if the log does not reach back to that position
   */
  since({ seq, epoch }: Position, publicId: string, state: () => Plain): Plain | undefined {
    const missed = this.seq - seq;
    if (epoch !== epochOf(this.#epoch, publicId) || seq < this.#floor || missed < 0 || missed > this.#entries.length)
      return undefined;
    const touched: Plain = {};
    for (const { patch } of this.#entries.slice(this.#entries.length - missed)) touch(touched, patch);
    return restrict(state(), touched);
  }
}

/** In place of the names below a path: everything below it changed. */
const ALL = true;

/** Adds the paths that a patch changes. A deleted value and an array count as changed as a whole. */
function touch(touched: Plain, patch: Plain): void {
  for (const [key, change] of Object.entries(patch)) {
    // A key with dots may be a path into a value that the same patch removes.
    if (touched[key] === ALL || touched[key.split(".", 1)[0] ?? ""] === ALL) continue;
    if (!isPlain(change)) touched[key] = ALL;
    else {
      const inner = isPlain(touched[key]) ? touched[key] : {};
      touched[key] = inner;
      touch(inner, change);
    }
  }
}

/** Makes the patch that sets the touched paths to their present values. */
function restrict(state: Plain, touched: Plain): Plain {
  const patch: Plain = {};
  for (const [key, inner] of Object.entries(touched)) {
    const value = Object.hasOwn(state, key) ? state[key] : undefined;
    if (value === undefined) patch[key] = DELETE;
    else if (!isPlain(value)) patch[key] = value;
    else put(patch, key, isPlain(inner) ? restrict(value, inner) : new Replacement(value));
  }
  return patch;
}
