import { KNOWN_PREFIX } from "../storage/keys.ts";
import type { Storage } from "../../platform/ports.ts";
import type { OwnRows } from "../timing/room-part.ts";

/** A stored value has 2 MB at most; a character has up to three bytes. */
const CHUNK = 600_000;

/**
 * What clients were sent, stored once when changes begin to wait: so that a room that sleeps meanwhile still knows what
 * to send. Only where changes are not sent by themselves.
 */
export class SentState {
  readonly #storage: Storage;
  #chunks = 0;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** @returns what is stored, if there is something */
  load(rows: OwnRows): Record<string, unknown> | undefined {
    const chunks = rows.of("known").map(([, value]) => value as string);
    this.#chunks = chunks.length;
    return chunks.length > 0 ? (JSON.parse(chunks.join("")) as Record<string, unknown>) : undefined;
  }

  /** Stores it when changes begin to wait, and forgets it when they are sent. */
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
