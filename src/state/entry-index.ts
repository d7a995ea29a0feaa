import type { KeyRules, Reading, SightIndex } from "./key-rules.ts";
import type { EntryNode } from "./node.ts";
import { SeenEntry } from "./seen-entry.ts";
import { Observer, trackReads } from "./signals/adapter.ts";

/** The part of a collection that its keyed visibility needs. */
export interface KeyedCollection {
  /** Whether keys of entries are public ids of users. */
  readonly isOfUsers: boolean;
  names(): string[];
  /** The entry that clients should have, if there is one. */
  settled(key: string): EntryNode | undefined;
  /** All entries that clients should have. */
  allSettled(): Iterable<[string, EntryNode]>;
  readonly shared: { onError(error: unknown): void };
}

const GONE: Reading<undefined> = { value: undefined, signals: undefined };

/** The entries of a collection, and their places. */
export class EntryIndex {
  /** Entries whose place may have changed. */
  readonly stale = new Set<string>();
  /** Entries whose place depends on their previous place. */
  readonly held = new Set<SeenEntry>();
  /** Entries whose previous place is ignored the next time. */
  readonly #released = new Set<SeenEntry>();
  readonly #collection: KeyedCollection;
  readonly #rules: KeyRules;
  readonly #index: SightIndex;
  readonly #onStale: () => void;
  readonly #entries = new Map<string, SeenEntry>();

  /** @param onStale called before an entry becomes stale */
  constructor(collection: KeyedCollection, rules: KeyRules, index: SightIndex, onStale: () => void) {
    this.#collection = collection;
    this.#rules = rules;
    this.#index = index;
    this.#onStale = onStale;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): SeenEntry | undefined {
    return this.#entries.get(key);
  }

  all(): Iterable<SeenEntry> {
    return this.#entries.values();
  }

  /** The place of an entry, as viewers know it, or will know it. */
  placeOf(key: string): unknown {
    const known = this.#entries.get(key);
    if (known) return known.place;
    const node = this.#collection.settled(key);
    return node && this.#read(key, node, undefined).value;
  }

  /** The same for viewers that get their first packet next: where the entry is now. */
  presentPlaceOf(key: string): unknown {
    const known = this.#entries.get(key);
    const node = this.#collection.settled(key);
    return node && this.#read(key, node, known?.node === node ? known.place : undefined).value;
  }

  /** Finds the places of all entries, if it has none yet. They count as sent. */
  fill(): void {
    if (this.#entries.size === 0) for (const [key] of this.#collection.allSettled()) this.look(key)?.told();
  }

  /** Ignores the previous places of all held entries the next time. */
  release(): void {
    for (const entry of this.held) {
      this.#released.add(entry);
      this.stale.add(entry.key);
    }
  }

  /** Updates the place of an entry. @returns undefined if the entry neither exists nor existed */
  look(key: string): SeenEntry | undefined {
    const node = this.#collection.settled(key);
    const known = this.#entries.get(key);
    const isStale = this.stale.delete(key);
    if (!node && !known) return undefined;
    const entry = known ?? new SeenEntry(key);
    const isSame = node === entry.node;
    if (isSame && !isStale && !entry.isFollowed) return entry;
    if (!isSame) this.#replace(entry, node);
    const isReleased = this.#released.delete(entry);
    this.#place(entry, isSame && !isReleased);
    return entry;
  }

  #replace(entry: SeenEntry, node: EntryNode | undefined): void {
    entry.observer?.stop();
    entry.node = node;
    entry.isFollowed = node !== undefined && this.#isSent(node);
    if (node) this.#entries.set(entry.key, entry);
    else this.#entries.delete(entry.key);
  }

  /** @param isAfter whether its previous place matters */
  #place(entry: SeenEntry, isAfter: boolean): void {
    const { key, node, place } = entry;
    const { value, signals, isHeld, at } = node ? this.#read(key, node, isAfter ? place : undefined) : GONE;
    if (signals && !entry.isFollowed) (entry.observer ??= new Observer(() => this.#becomesStale(key))).observe(signals);
    if (isHeld) this.held.add(entry);
    else this.held.delete(entry);
    entry.at = at;
    if (value === place) return;
    entry.place = value;
    this.#index.moved(entry, place);
  }

  #read(key: string, node: EntryNode, before: unknown): Reading<unknown> {
    const owner = this.#collection.isOfUsers ? key : undefined;
    try {
      return this.#index.placeOf(node.target, owner, before);
    } catch (error) {
      this.#collection.shared.onError(error);
      const signals = signalsReadBy(() => this.#index.placeOf(node.target, owner, before));
      return { value: this.#index.nowhere, signals };
    }
  }

  #isSent(node: EntryNode): boolean {
    const { children } = node as unknown as { readonly children: ReadonlyMap<string, Sent> };
    const isSent = (name: string) => children.get(name)?.isForAll === true && !children.get(name)?.field?.transform;
    return this.#rules.fields?.every(isSent) === true;
  }

  #becomesStale(key: string): void {
    this.#onStale();
    this.stale.add(key);
  }
}

/** The part of a field that tells whether clients get each change of it. */
interface Sent {
  readonly isForAll?: boolean;
  readonly field?: { readonly transform: unknown };
}

/**
 * Reads a place or a view. A function that throws gives no keys, and runs again when a signal changes that it read. An
 * entry or viewer without keys is not visible and sees nothing.
 */
export function tryToRead<T>(
  collection: Pick<KeyedCollection, "shared">,
  read: () => Reading<T>,
  nothing: T,
): Reading<T> {
  return tryTo(collection, read, undefined) ?? { value: nothing, signals: signalsReadBy(read) };
}

/** Runs a function that throws once more, because only then its reads have to be known. */
function signalsReadBy(read: () => unknown): readonly unknown[] {
  const signals: unknown[] = [];
  try {
    trackReads(read, (signal) => signals.push(signal));
  } catch {
    // It was reported the first time.
  }
  return signals;
}

/** Reports what a function throws. */
export function tryTo<T, U>({ shared }: Pick<KeyedCollection, "shared">, read: () => T, otherwise: U): T | U {
  try {
    return read();
  } catch (error) {
    shared.onError(error);
    return otherwise;
  }
}
