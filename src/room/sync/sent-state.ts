import { backoff } from "../../platform/backoff.ts";
import type { Clock, Failures, Storage } from "../../platform/ports.ts";
import { KNOWN_PREFIX } from "../storage/keys.ts";
import type { OwnRows } from "../timing/room-part.ts";

/** The characters of one row. A stored value has up to 2 MB, and a character up to three bytes. */
const CHUNK = 600_000;
const FIRST_RETRY = 1000;
const LONGEST_RETRY = 60_000;

/** The parts of the room that {@link SentState} needs. */
export interface SentStateScope {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly reporter: Failures;
}

/**
 * Stores the sent state once, when changes start to wait for `applySync`. A room that hibernates meanwhile still knows
 * what to send. Used only with `autoSync: false`.
 */
export class SentState {
  readonly #scope: SentStateScope;
  readonly #retry: () => void;
  #chunks = 0;
  #failures = 0;
  #isWaitingForRetry = false;

  /** @param retry called some time after a failed write, to call {@link keepWhile} again */
  constructor(scope: SentStateScope, retry: () => void) {
    this.#scope = scope;
    this.#retry = retry;
  }

  /** @returns the stored state, if any */
  load(rows: OwnRows): Record<string, unknown> | undefined {
    const chunks = rows.of("known").map(([, value]) => value as string);
    this.#chunks = chunks.length;
    return chunks.length > 0 ? (JSON.parse(chunks.join("")) as Record<string, unknown>) : undefined;
  }

  /** Stores the values when changes begin to wait, and deletes them when the changes are sent. */
  keepWhile(isWaiting: boolean, sent: () => Record<string, unknown>): void {
    if (isWaiting === this.#chunks > 0 || this.#isWaitingForRetry) return;
    try {
      // The sent state may have to be read first.
      this.#replace(isWaiting ? JSON.stringify(sent()) : "");
      this.#failures = 0;
    } catch (error) {
      this.#failed(error);
    }
  }

  /** All chunks are written, or none, because a part of them cannot be read. */
  #replace(text: string): void {
    const { storage } = this.#scope;
    const chunks = Math.ceil(text.length / CHUNK);
    const write = () => {
      for (let chunk = 0; chunk < chunks; chunk++) {
        storage.put(keyOf(chunk), text.slice(chunk * CHUNK, (chunk + 1) * CHUNK));
      }
      for (let chunk = chunks; chunk < this.#chunks; chunk++) storage.delete(keyOf(chunk));
    };
    if (Math.max(chunks, this.#chunks) > 1) storage.transaction(write);
    else write();
    this.#chunks = chunks;
  }

  #failed(error: unknown): void {
    const { clock, reporter } = this.#scope;
    reporter.failed("save_failed", error);
    this.#isWaitingForRetry = true;
    const retry = () => {
      this.#isWaitingForRetry = false;
      this.#retry();
    };
    clock.after(backoff(this.#failures++, FIRST_RETRY, LONGEST_RETRY), retry, "save");
  }
}

function keyOf(chunk: number): string {
  return KNOWN_PREFIX + String(chunk).padStart(6, "0");
}
