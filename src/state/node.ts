import type { Audience, Sees } from "./audience.ts";
import type { Leaf } from "./leaf.ts";
import type { Row, Rows } from "./rows.ts";

/** A change that only some viewers may see. */
export interface PrivateChange {
  readonly names: readonly string[];
  readonly audience: Audience;
  /** As in a patch. */
  readonly value: unknown;
  /** The field; undefined where it is gone. */
  readonly leaf: Leaf | undefined;
}

/** Where a group is kept, who sees it, and whose it is. */
export interface Place {
  readonly row: Row;
  readonly persisted: boolean;
  readonly audience: Audience | undefined;
  /** The user whose entry it is in. */
  readonly owner: string | undefined;
}

/** What a node needs of the one above it. */
export interface ParentNode {
  names(): string[];
  /** Whether it is part of the state now: entries that were removed are not. */
  readonly attached: boolean;
  /** The names of the outermost entry around it that may not be seen at all, since it is in a hidden collection. */
  coverOf(sees: Sees): string[] | undefined;
  childChanged(key: string): void;
  countPrivate(change: number): void;
}

/** What a node above needs of a group or a collection. */
export interface InnerNode {
  /** How many fields in here not everybody sees. */
  readonly privateCount: number;
  /** Whether nothing of it is ever sent. */
  readonly hidden: boolean;
  /** Takes the changes as told. @returns the patch for everyone, or SAME; the rest goes to `changes` */
  settle(changes: PrivateChange[]): unknown;
  /** What clients were told, as JSON: what everyone sees, and what `sees` allows beyond. */
  textFor(sees: Sees): string;
  /** Collects the fields in here that not everybody sees. */
  privateLeaves(into: Leaf[]): void;
  /** Sets stored values. @returns whether a persisted field was missing among them */
  load(values: Record<string, unknown>): boolean;
  /** Whether these could be loaded into one like it. */
  fits(values: Record<string, unknown>): boolean;
  saveAll(): void;
  /** What clients were told, private fields too, as plain data. */
  known(): Record<string, unknown>;
  /** Takes this as what clients were told. */
  assume(known: Record<string, unknown>): void;
  removeRows(): void;
  stop(): void;
}

/** A group as a collection sees its entries. */
export interface EntryNode extends InnerNode {
  readonly key: string;
  readonly target: object;
  readonly place: Place;
  readonly attached: boolean;
  /** Whether all in it are stored values, shown to everyone as they are, and nothing depends on anything else. */
  readonly isSimple: boolean;
  /** What clients would be told of one like it, of which this is stored. @returns undefined if that cannot be told */
  textOfStored(stored: unknown): string | undefined;
  names(): string[];
  stored(persisted: boolean): Record<string, unknown> | undefined;
  /** All that is stored of it, with the entries inside. */
  snapshot(): Record<string, unknown>;
  /** Goes on from what clients know of the entry that was here before. */
  adopt(previous: EntryNode, changes: PrivateChange[]): void;
  remove(): void;
}

/** An entry that clients know of and that is gone, of which only that is known. */
export type Ghost = Pick<InnerNode, "known">;

/** What all nodes of one state share. */
export interface Shared {
  readonly rows: Rows;
  /** The node of each entry that was ever added. */
  readonly entries: WeakMap<object, EntryNode>;
  /** Fields whose visibility depends on more than who owns them. */
  readonly dynamic: Set<Leaf>;
  readonly loading: boolean;
  /** Runs this while nothing counts as a change. */
  quietly<T>(run: () => T): T;
  foundUsers(users: object): void;
  /** An entry was put into the `users` field. */
  onUser(publicId: string): void;
  makeEntry(parent: ParentNode, key: string, target: object, place: Place): EntryNode;
  /** The first change that clients do not know of. */
  onChange(): void;
  /** A stored value that could not be read. @param names lead to it @param error why */
  onUnreadable(names: readonly string[], value: unknown, error: unknown): void;
  /** A computed signal or a transform that could not be read. */
  onError(error: unknown): void;
}
