import type { Plain } from "../protocol/values.ts";
import type { Audience, Sees } from "./audience.ts";
import type { EntryShape } from "./entry-shape.ts";
import type { EntryKinds } from "./kinds.ts";
import type { StateNode } from "./members.ts";
import type { Leaf, PrivateChange } from "./leaf.ts";
import type { LeafParent, LeafShared } from "./leaf-scope.ts";
import type { Row, Rows } from "./rows.ts";

/** Where a group is stored, who sees it, and its owner. */
export interface Placement {
  readonly row: Row;
  readonly persisted: boolean;
  readonly audience: Audience | undefined;
  /** The clients that see the entry that is or contains this node, if keys decide that. */
  readonly seenBy?: Audience | undefined;
  /** The user whose entry it is in. */
  readonly owner: string | undefined;
  /** The parts of it that belong to the state. Undefined for all objects of fields. */
  readonly shape?: EntryShape | undefined;
  /** The name of its variant, for an entry of a collection with variants. */
  readonly kind?: string | undefined;
}

/** The parts of the node above that a node needs. */
export interface ParentNode extends LeafParent {
  countPrivate(change: number): void;
}

/** The number of entries that are remembered as read last: a power of two. */
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

/** The parts of a group or a collection that the node above needs. */
export interface InnerNode {
  /** The number of fields inside of it that not everyone sees. */
  readonly privateCount: number;
  /** Whether nothing of it is ever sent. */
  readonly hidden: boolean;
  /** The number of the last packet with a change inside of it. */
  readonly changedIn: number;
  /** The number of the first packet that contained it for everyone. 0 if it was there when the room started. */
  bornIn: number;
  /**
   * Takes the changes since the last time. @returns the patch for everyone, or SAME; private changes are added to
   * `changes`
   */
  settle(changes: PrivateChange[]): unknown;
  /** What was sent, as JSON: the part for everyone, and the parts that `sees` allows. */
  textFor(sees: Sees): string;
  /** Collects the fields inside of it that not everyone sees. */
  privateLeaves(into: Leaf[]): void;
  /** Loads stored values. @returns whether a persisted field was missing */
  load(values: Plain): boolean;
  saveAll(): void;
  /** What was sent, including private fields, as plain data. */
  sentValues(): Plain;
  /** Sets what was sent. */
  assumeSent(sent: Plain): void;
  removeRows(): void;
  /** Removes it from the state: its changes no longer count, and nothing is observed. */
  stop(): void;
}

/** The node of an entry, as its collection uses it. */
export interface EntryNode extends InnerNode, StateNode {
  /** The collection, or the object around it. */
  readonly parent: ParentNode | undefined;
  readonly target: object;
  readonly placement: Placement;
  readonly children: ReadonlyMap<string, Leaf | InnerNode>;
  /** Objects and collections inside of it that clients do not have yet. */
  readonly unsent: Set<string> | undefined;
  /** Removed fields that clients still have, with the ids of their private fields, if known. */
  removed: Map<string, ReadonlySet<number> | undefined> | undefined;
  /** Whether it is part of the state. Removed entries are not. */
  readonly isInState: boolean;
  /** Whether its stored values are loaded. */
  readonly isRestored: boolean;
  /** Whether everything that is sent of it exists again after a restart. */
  readonly isDurable: boolean;
  readonly replacedIn: number;
  /** The number of the packet in which it replaced another value, regardless of the objects around it. */
  ownReplacedIn: number;
  names(): string[];
  /** Takes fields that were assigned since it was made. @throws RoomError if one of them cannot be part of the state */
  takeAssigned(): void;
  /** The values of its row: of the persisted fields, or of the others. Undefined if there are none. */
  stored(persisted: boolean): Plain | undefined;
  remove(): void;
}

/** An entry that clients have and that no longer existed when the room woke. Only what was sent of it is known. */
export type RemovedEntry = Pick<InnerNode, "sentValues">;

/** The data that all nodes of a state share. */
export interface Shared extends LeafShared {
  readonly rows: Rows;
  /** The public ids of users that are still joining: see {@link Tree.hold}. */
  readonly held: ReadonlySet<string>;
  /** The class of entries. `entries.ts` cannot import it, since groups contain collections. */
  readonly Entry: new (
    shared: Shared,
    parent: ParentNode,
    key: string,
    target: object,
    placement: Placement,
  ) => EntryNode;
  /** The node of each entry that was ever added. */
  readonly entries: WeakMap<object, EntryNode>;
  /** The factories of all collections, including classes. */
  readonly factories: WeakSet<object>;
  /** What is known about the entries of these factories, to check entries that the developer makes. */
  readonly kinds: WeakMap<object, EntryKinds>;
  /** The last {@link LAST_READ} entries that handlers have read, and may assign fields to, in any order. */
  readonly lastRead: unknown[];
  readCount: number;
  /** Runs a function without counting its changes. */
  quietly<T>(run: () => T): T;
  /** The kinds of plain properties that {@link onLost} was called for. */
  readonly lost: Set<string>;
  /** Called once for each kind of plain property that hibernation loses. */
  onLost(where: string, advice: string): void;
  foundUsers(users: object): void;
  /** A collection with keyed visibility was found. @param Crowd the class that delivers its entries */
  foundInterest(interest: object, Crowd: unknown): void;
  /** The entry of a user was replaced or removed. */
  userChanged(publicId: string): void;
  /** An entry was added to the `users` field. */
  onUser(publicId: string): void;
  /** An entry of the `users` field was removed, or is about to be replaced. */
  onUserRemoved(publicId: string, user: object): void;
  /** Called at the first change that has not been sent. */
  onChange(): void;
}
