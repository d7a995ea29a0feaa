import { KNOWN_PREFIX, PRIVATE_PREFIX } from "../storage/keys.ts";
import { Row } from "../../state/rows.ts";
import type { Rows } from "../../state/rows.ts";
import type { Tree } from "../../state/tree.ts";
import type { Broadcast } from "./broadcast.ts";
import type { Storage } from "../../platform/ports.ts";

const MODE_KEY = `${PRIVATE_PREFIX}autoSync`;
/** A stored value has 2 MB at most; a character has up to three bytes. */
const CHUNK = 600_000;

/**
 * Whether changes are sent by themselves, kept through hibernation. Where they are not, what clients know is
 * stored once when changes begin to wait, so that a room that sleeps meanwhile still knows what to send.
 */
export class SyncMode {
  readonly #tree: Tree;
  readonly #broadcast: Broadcast;
  readonly #storage: Storage;
  readonly #row: Row;
  #chunks = 0;

  constructor(tree: Tree, rows: Rows, broadcast: Broadcast, storage: Storage) {
    this.#tree = tree;
    this.#broadcast = broadcast;
    this.#storage = storage;
    this.#row = new Row(rows, MODE_KEY, (persisted) => (persisted ? this.autoSync : undefined));
  }

  get autoSync(): boolean {
    return !this.#broadcast.isManual;
  }

  set autoSync(autoSync: boolean) {
    if (autoSync === this.autoSync) return;
    this.#broadcast.isManual = !autoSync;
    this.#row.changed(true);
  }

  /** Takes the stored mode. @returns what clients know, where changes wait to be sent */
  load(rows: readonly [key: string, value: unknown][]): Record<string, unknown> | undefined {
    const mode = rows.find(([key]) => key === MODE_KEY)?.[1];
    if (typeof mode === "boolean") this.#broadcast.isManual = !mode;
    const chunks = rows.filter(([key]) => key.startsWith(KNOWN_PREFIX)).map(([, value]) => value as string);
    this.#chunks = chunks.length;
    return chunks.length > 0 ? (JSON.parse(chunks.join("")) as Record<string, unknown>) : undefined;
  }

  /** At the end of a turn: stores what clients know when changes begin to wait, forgets it when they are sent. */
  endTurn(): void {
    const isWaiting = this.#broadcast.isManual && this.#broadcast.isPending;
    if (isWaiting === this.#chunks > 0) return;
    if (isWaiting) this.#remember(JSON.stringify(this.#tree.known()));
    else this.#forget();
  }

  #remember(text: string): void {
    for (let start = 0; start < text.length; start += CHUNK) {
      this.#storage.put(KNOWN_PREFIX + String(this.#chunks++).padStart(6, "0"), text.slice(start, start + CHUNK));
    }
  }

  #forget(): void {
    while (this.#chunks > 0) this.#storage.delete(KNOWN_PREFIX + String(--this.#chunks).padStart(6, "0"));
  }
}
