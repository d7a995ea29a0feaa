import type { Key, KeyRules } from "./key-rules.ts";
import { isSame } from "./key-sets.ts";
import type { EntryNode } from "./node.ts";
import { addTo, removeFrom } from "./sets-by-key.ts";
import { Observer } from "./signals/adapter.ts";

/** A collection, as far as its interest needs it. */
export interface KeyedCollection {
  /** Whether the key of an entry is that of its user. */
  readonly isOfUsers: boolean;
  names(): string[];
  /** The entry that clients have to have, if there is one. */
  settled(key: string): EntryNode | undefined;
  /** All of them. */
  allSettled(): Iterable<[string, EntryNode]>;
  readonly shared: { onError(error: unknown): void };
}

interface Entry {
  readonly node: EntryNode;
  readonly keys: readonly Key[];
  readonly observer: Observer;
  /** Whether all that its keys are made of is sent to clients: then no change of that is missed. */
  readonly isFollowed: boolean;
}

const NO_KEYS: readonly Key[] = [];

/** The keys of the entries of a collection, and which entries have a key. */
export class EntryIndex {
  /** Entries whose keys may be others by now. */
  readonly stale = new Set<string>();
  readonly #collection: KeyedCollection;
  readonly #rules: KeyRules;
  readonly #onStale: () => void;
  readonly #entries = new Map<string, Entry>();
  readonly #byKey = new Map<Key, Set<string>>();

  /** @param onStale called before an entry becomes stale */
  constructor(collection: KeyedCollection, rules: KeyRules, onStale: () => void) {
    this.#collection = collection;
    this.#rules = rules;
    this.#onStale = onStale;
  }

  all(): Iterable<string> {
    return this.#entries.keys();
  }

  /** The entries that have a key. */
  with(key: Key): Iterable<string> {
    return this.#byKey.get(key) ?? [];
  }

  /** The keys of an entry, as they are known; undefined if it is not. */
  known(key: string): readonly Key[] | undefined {
    return this.#entries.get(key)?.keys;
  }

  keysOf(key: string): readonly Key[] {
    return this.known(key) ?? this.look(key) ?? NO_KEYS;
  }

  /** Looks at all entries, if it has none yet. */
  fill(): void {
    if (this.#entries.size === 0) for (const [key] of this.#collection.allSettled()) this.look(key);
  }

  /** Asks for the keys of an entry anew. @returns the same array, if they are the same; undefined if it is gone */
  look(key: string): readonly Key[] | undefined {
    const known = this.#entries.get(key);
    const node = this.#collection.settled(key);
    const isStale = this.stale.delete(key);
    if (known && node === known.node && !isStale && !known.isFollowed) return known.keys;
    const isNew = node !== known?.node;
    if (known && isNew) known.observer.stop();
    const next = node && this.#read(key, node, isNew ? undefined : known);
    if (known && next && isSame(known.keys, next.keys)) {
      if (isNew) this.#entries.set(key, { ...next, keys: known.keys });
      return known.keys;
    }
    for (const old of known?.keys ?? NO_KEYS) removeFrom(this.#byKey, old, key);
    for (const own of next?.keys ?? NO_KEYS) addTo(this.#byKey, own, key);
    if (next) this.#entries.set(key, next);
    else this.#entries.delete(key);
    return next?.keys;
  }

  #read(key: string, node: EntryNode, known: Entry | undefined): Entry {
    const owner = this.#collection.isOfUsers ? key : undefined;
    const read = () => this.#rules.ofEntry(node.target, owner, known?.keys);
    const { keys, signals } = tryTo(this.#collection, read, { keys: NO_KEYS, signals: undefined });
    const observer = known?.observer ?? new Observer(() => this.#becomesStale(key));
    const isFollowed = known?.isFollowed ?? this.#isSent(node);
    if (signals && !isFollowed) observer.observe(signals);
    return { node, keys, observer, isFollowed };
  }

  #isSent(node: EntryNode): boolean {
    const { children } = node as unknown as { readonly children: ReadonlyMap<string, { readonly synced?: boolean }> };
    return this.#rules.fields?.every((name) => children.get(name)?.synced === true) === true;
  }

  /** Whether the keys of who looks from an entry are known to be others by the changes of that. */
  isFollowed(key: string): boolean {
    return this.#entries.get(key)?.isFollowed === true;
  }

  #becomesStale(key: string): void {
    this.#onStale();
    this.stale.add(key);
  }
}

/** What throws gives no keys: who has none sees nothing, and is seen by nobody. */
export function tryTo<T>({ shared }: Pick<KeyedCollection, "shared">, read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    shared.onError(error);
    return otherwise;
  }
}
