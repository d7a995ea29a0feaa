import type { Plain } from "../protocol/values.ts";
import type { Audience, Sees } from "./audience.ts";
import type { EntryShape } from "./entry-shape.ts";
import type { EntryKinds } from "./kinds.ts";
import type { StateNode } from "./members.ts";
import type { Leaf, PrivateChange } from "./leaf.ts";
import type { LeafParent, LeafShared } from "./leaf-scope.ts";
import type { Row, Rows } from "./rows.ts";

/** Where a group is stored, who sees it, and whose it is. */
export interface Placement {
  readonly row: Row;
  readonly persisted: boolean;
  readonly audience: Audience | undefined;
  /** Who sees the entry that it is in, where that is decided by keys for the whole of it. */
  readonly seenBy?: Audience | undefined;
  /** The user whose entry it is in. */
  readonly owner: string | undefined;
  /** What of it can be part of the state; undefined for all that holds fields. */
  readonly shape?: EntryShape | undefined;
  /** The name of its kind, for an entry of a collection with variants. */
  readonly kind?: string | undefined;
}

/** What a node needs of the one above it. */
export interface ParentNode extends LeafParent {
  countPrivate(change: number): void;
}

/** A power of two. */
export const LAST_READ = 32;

/** The parent of an entry that is not part of the state. */
export const OUTSIDE: ParentNode = {
  names: () => [],
  isInState: false,
  replacedIn: 0,
  hiddenEntryAround: () => undefined,
  childChanged() {},
  countPrivate() {},
};

/** What a node above needs of a group or a collection. */
export interface InnerNode {
  /** How many fields in here not everybody sees. */
  readonly privateCount: number;
  /** Whether nothing of it is ever sent. */
  readonly hidden: boolean;
  /** The number of the last packet with a change in here. */
  readonly changedIn: number;
  /** The number of the packet in which everyone was told of it first; 0 if it was there when the room started. */
  bornIn: number;
  /** Whether all in it are stored values, shown to everyone as they are, and nothing depends on anything else. */
  readonly isSimple: boolean;
  /** Takes the changes since the last time. @returns the patch for everyone, or SAME; the rest goes to `changes` */
  settle(changes: PrivateChange[]): unknown;
  /** What was sent, as JSON: what everyone sees, and what `sees` allows beyond. */
  textFor(sees: Sees): string;
  /** What would be sent of one like it, of which this is stored. @returns undefined if that depends on more */
  textOfStored(stored: unknown): string | undefined;
  /** Collects the fields in here that not everybody sees. */
  privateLeaves(into: Leaf[]): void;
  /** Collects the ids of the fields of which clients may have something, and not everybody sees; of those that are gone too. */
  privateIds(into: Set<number>): void;
  /** Sets stored values. @returns whether a persisted field was missing among them */
  load(values: Plain): boolean;
  /** Whether this could be loaded into one like it. */
  fits(stored: unknown): boolean;
  saveAll(): void;
  /** All stored values, with the entries inside. */
  snapshot(): Plain;
  /** What was sent, private fields too, as plain data. */
  sentValues(): Plain;
  /** Takes this as what was sent. */
  assumeSent(sent: Plain): void;
  removeRows(): void;
  /** Leaves the state: changes count no more, and nothing is observed. */
  stop(): void;
}

/** A group as a collection sees its entries. */
export interface EntryNode extends InnerNode, StateNode {
  /** The collection, or the object that it is in. */
  readonly parent: ParentNode | undefined;
  readonly target: object;
  readonly placement: Placement;
  /** Whether it is part of the state: entries that were removed are not. */
  readonly isInState: boolean;
  /** Whether it has its stored values. */
  readonly isRestored: boolean;
  /** Whether all that is sent of it is there again when a room starts. */
  readonly isDurable: boolean;
  readonly replacedIn: number;
  /** The same without what is around it. */
  ownReplacedIn: number;
  names(): string[];
  /** Takes fields that were assigned since it was made. @throws RoomError if one of them cannot be part of the state */
  takeAssigned(): void;
  /** The value of its row: of the persisted fields, or of the others. Undefined if there are none. */
  rowValue(persisted: boolean): unknown;
  /** Sets the stored values of the entry, of which nothing is to be sent. */
  restore(stored: Plain): void;
  /** Sets the stored values of the entry. */
  loadEntry(stored: Plain): void;
  /** Marks the entry as unsaved, with all that is inside. */
  saveEntry(): void;
  /** Continues from what was sent of the entry that was here before. */
  continueFrom(previous: EntryNode | RemovedEntry, changes: PrivateChange[]): void;
  remove(): void;
}

/** An entry that clients have and that was gone when the room woke: only what was sent of it is known. */
export type RemovedEntry = Pick<InnerNode, "sentValues">;

/** The ids of the private fields of what was here, and is gone. Undefined if that is not known. */
export function goneIds(previous: InnerNode | RemovedEntry): ReadonlySet<number> | undefined {
  if (!("privateIds" in previous)) return undefined;
  const ids = new Set<number>();
  previous.privateIds(ids);
  return ids;
}

/** What all nodes of one state share. */
export interface Shared extends LeafShared {
  readonly rows: Rows;
  /** The public ids of users whose join is not done: see {@link Tree.hold}. */
  readonly held: ReadonlySet<string>;
  /** The class of entries. `entries.ts` cannot import it, since groups have collections. */
  readonly Entry: new (
    shared: Shared,
    parent: ParentNode,
    key: string,
    target: object,
    placement: Placement,
  ) => EntryNode;
  /** The node of each entry that was ever added. */
  readonly entries: WeakMap<object, EntryNode>;
  /** What makes the entries of collections: classes among others. */
  readonly factories: WeakSet<object>;
  /** What is known of the entries that these make, for those that the developer makes. */
  readonly kinds: WeakMap<object, EntryKinds>;
  /** The latest {@link LAST_READ} entries that handlers have read, and may assign fields to; in any order. */
  readonly lastRead: unknown[];
  readCount: number;
  /** Runs this while nothing counts as a change. */
  quietly<T>(run: () => T): T;
  /** Kinds of plain properties that a sleep takes away, of which {@link onLost} was called. */
  readonly lost: Set<string>;
  /** Called once with each kind of plain property that a sleep takes away. */
  onLost(where: string, advice: string): void;
  foundUsers(users: object): void;
  /** A collection whose entries are seen by keys. @param Crowd the class that delivers them */
  foundInterest(interest: object, Crowd: unknown): void;
  /** The entry of a user is another one, or gone. */
  userChanged(publicId: string): void;
  /** An entry was put into the `users` field. */
  onUser(publicId: string): void;
  /** An entry of the `users` field was removed, or is about to be replaced. */
  onUserRemoved(publicId: string, user: object): void;
  /** The first change that was not sent. */
  onChange(): void;
}
