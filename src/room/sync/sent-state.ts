import { KNOWN_PREFIX } from "../storage/keys.ts";
import type { Storage } from "../../platform/ports.ts";
import type { OwnRows } from "../timing/room-part.ts";

/** Characters of one row: a stored value has at most 2 MB, and a character up to three bytes. */
const CHUNK = 600_000;

/**
 * Stores what clients were sent, once, when changes begin to wait for `applySync`: a room that sleeps meanwhile still
 * knows what to send. Used only while `autoSync` is off.
 */
export class SentState {
  readonly #storage: Storage;
  #chunks = 0;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** @returns what is stored, if anything is */
  load(rows: OwnRows): Record<string, unknown> | undefined {
    const chunks = rows.of("known").map(([, value]) => value as string);
    this.#chunks = chunks.length;
    return chunks.length > 0 ? (JSON.parse(chunks.join("")) as Record<string, unknown>) : undefined;
  }

  /** Stores the values when changes begin to wait, and deletes them when the changes are sent. */
  keepWhile(isWaiting: boolean, sent: () => Record<string, unknown>): void {
    if (isWaiting === this.#chunks > 0) return;
    if (isWaiting) this.#store(JSON.stringify(sent()));
    else this.#forget();
  }

  #store(text: string): void {
    for (let start = 0; start < text.length; start += CHUNK) {
      this.#storage.put(keyOf(this.#chunks++), text.slice(start, start + CHUNK));
    }
  }

  #forget(): void {
    while (this.#chunks > 0) this.#storage.delete(keyOf(--this.#chunks));
  }
}

function keyOf(chunk: number): string {
  return KNOWN_PREFIX + String(chunk).padStart(6, "0");
}
