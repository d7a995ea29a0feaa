import type { Signal } from "@signe/reactive";
import { DELETE } from "../protocol/packets.ts";
import { isPlain } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";
import type { Sees } from "./audience.ts";
import { holdsValuesOnly, takeAssigned } from "./assigned-fields.ts";
import { put, SAME } from "./diff.ts";
import type { Entries } from "./entries.ts";
import type { EntryParts } from "./entry-parts.ts";
import { shapeOfEntry } from "./entry-shape.ts";
import type { EntryShape } from "./entry-shape.ts";
import type { Field } from "./field.ts";
import { makeField } from "./make-field.ts";
import { takeMembers } from "./members.ts";
import type { Member } from "./members.ts";
import { Leaf } from "./leaf.ts";
import type { PrivateChange } from "./leaf.ts";
import type { HiddenEntry } from "./leaf-scope.ts";
import type { EntryNode, ParentNode, Placement, Shared } from "./node.ts";
import { encodeKey, Row } from "./rows.ts";
import { storedChildren } from "./stored-children.ts";
import { NO_OBJECT, shapeOf } from "./value-checks.ts";

type Node = Leaf | Group | Entries;

/** An object of fields: the state itself, an entry of a collection, or an object inside one of them. */
export class Group implements EntryNode, ParentNode {
  readonly parent: ParentNode | undefined;
  readonly key: string;
  /** The developer's object. */
  readonly target: object;
  readonly placement: Placement;
  readonly children = new Map<string, Node>();
  readonly hidden: boolean;
  isInState: boolean;
  changedIn = 0;
  bornIn = 0;
  isRestored = false;
  privateCount = 0;
  readonly #shared: Shared;
  /** The fields with changes that {@link settle} has not taken yet. Undefined if there are none. */
  #dirty: Set<string> | undefined;
  ownReplacedIn = 0;
  /** Objects and collections that clients do not have yet. */
  unsent: Set<string> | undefined;
  /** Removed fields that clients still have, with the ids of their private fields, if known. */
  removed: Map<string, ReadonlySet<number> | undefined> | undefined;
  /** Groups above count its private fields only between its making and its removal. */
  #phase: "making" | "there" | "gone" = "making";
  #text: string | undefined;

  constructor(shared: Shared, parent: ParentNode | undefined, key: string, target: object, placement: Placement) {
    this.#shared = shared;
    this.parent = parent;
    this.isInState = parent?.isInState ?? true;
    this.key = key;
    this.target = target;
    this.placement = placement;
    try {
      for (const member of takeMembers(target, this, this.#around(), placement.shape)) this.#add(member);
    } catch (error) {
      this.remove();
      throw error;
    }
    this.hidden = [...this.children.values()].every((child) => child.hidden);
    this.#phase = "there";
  }

  get isDurable(): boolean {
    return [...this.children.values()].every((child) => child.isDurable);
  }

  get replacedIn(): number {
    if (!this.parent) return 0;
    const before = this.isWhole ? this.#shared.changedBefore(this.placement.row) : 0;
    return Math.max(this.ownReplacedIn, before, this.parent.replacedIn);
  }

  get kind(): string | undefined {
    return this.placement.kind;
  }

  get isForAll(): boolean {
    return !this.placement.audience && !this.placement.seenBy;
  }

  get isWhole(): boolean {
    return !(this.parent instanceof Group);
  }

  get property(): object {
    return this.target;
  }

  get declared(): EntryShape | undefined {
    return holdsValuesOnly(this.target) ? shapeOfEntry(this.target) : undefined;
  }

  holds(name: string, value: object): boolean {
    return this.children.get(name)?.property === value;
  }

  /** Takes assigned fields. @throws RoomError if one of them cannot be part of the state */
  takeAssigned(): void {
    if (!this.isInState) return;
    takeAssigned(this);
    for (const child of this.children.values()) if (child instanceof Group) child.takeAssigned();
  }

  retake(member: Member): void {
    const { name } = member;
    const before = this.children.get(name) as Leaf | Group;
    const isUnsent = this.unsent?.has(name);
    this.childChanged(name);
    this.#add(member);
    this.countPrivate(-before.privateCount);
    if (!isUnsent) this.unsent?.delete(name);
    (this.children.get(name) as Leaf | Group).replace(before as never);
  }

  /** Replaces the object that was here, which has the same shape. */
  replace(previous: Group): void {
    this.unsent = previous.unsent;
    this.bornIn = previous.bornIn;
    for (const [name, child] of this.children) (child as Leaf | Group).replace(previous.children.get(name) as never);
    previous.stop();
  }

  names(): string[] {
    return this.parent ? [...this.parent.names(), this.key] : [];
  }

  hiddenEntryAround(sees: Sees): HiddenEntry | undefined {
    const audience = this.placement.audience ?? this.placement.seenBy;
    return this.parent?.hiddenEntryAround(sees) ?? (audience && !sees(audience) ? this : undefined);
  }

  /** Whether there is a change that {@link settle} has not taken yet. */
  get isDirty(): boolean {
    return this.#dirty !== undefined;
  }

  #touch(name: string): void {
    (this.#dirty ??= new Set()).add(name);
  }

  childChanged(name: string): void {
    const { isDirty } = this;
    this.#touch(name);
    if (isDirty) return;
    if (this.parent) this.parent.childChanged(this.key);
    else this.#shared.onChange();
  }

  settle(changes: PrivateChange[]): unknown {
    const patch: Plain = {};
    this.changedIn = this.#shared.clock;
    if (this.removed) this.#settleRemovals(this.removed, patch, changes);
    for (const name of this.#dirty ?? []) {
      const child = this.children.get(name) as Node;
      const change = this.#settleChild(child, changes);
      const isNew = this.unsent?.has(name) === true;
      if (isNew && !this.isRestored) (child as Group | Entries).bornIn = this.#shared.clock;
      if (change === SAME) {
        if (isNew) patch[name] = {};
      } else if (child instanceof Leaf) put(patch, name, change);
      else patch[name] = change;
    }
    this.#dirty = undefined;
    this.removed = undefined;
    this.unsent = undefined;
    this.#text = undefined;
    return Object.keys(patch).length > 0 ? patch : SAME;
  }

  /** In an entry that not everyone sees, even a removal must not be sent to others. */
  #settleRemovals(
    removed: ReadonlyMap<string, ReadonlySet<number> | undefined>,
    patch: Plain,
    changes: PrivateChange[],
  ) {
    const { audience } = this.placement;
    this.ownReplacedIn = this.#shared.clock;
    for (const [name, gone] of removed) {
      if (!audience) patch[name] = DELETE;
      else changes.push({ names: [...this.names(), name], audience, value: DELETE, leaf: undefined, gone });
    }
  }

  /** A field that throws does not prevent others from being sent. Clients keep its old value. */
  #settleChild(child: Node, changes: PrivateChange[]): unknown {
    try {
      return child.settle(changes);
    } catch (error) {
      if (child instanceof Leaf) child.dirty = false;
      this.#shared.onError(error);
      return SAME;
    }
  }

  textFor(sees: Sees): string {
    if (this.privateCount === 0 && this.#text !== undefined) return this.#text;
    const parts: string[] = [];
    for (const [name, child] of this.children) {
      const text = child.hidden ? undefined : child.textFor(sees);
      if (text !== undefined) parts.push(`${JSON.stringify(name)}:${text}`);
    }
    const text = `{${parts.join(",")}}`;
    if (this.privateCount === 0) this.#text = text;
    return text;
  }

  privateLeaves(into: Leaf[]): void {
    if (this.privateCount > 0) for (const child of this.children.values()) child.privateLeaves(into);
  }

  /** The scalar fields of the room, which share one row. */
  storedScalars(persisted: boolean): Plain | undefined {
    return storedChildren(this, persisted, true);
  }

  /** All fields of the group, without the entries of collections inside of it. */
  stored(persisted: boolean): Plain | undefined {
    return storedChildren(this, persisted, false);
  }

  load(values: Plain): boolean {
    this.isRestored = this.#shared.loading;
    let isMissing = false;
    for (const [name, child] of this.children) {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      if (child instanceof Leaf) isMissing = child.load(value) || isMissing;
      else if (isPlain(value)) isMissing = child.load(value) || isMissing;
      else if (value !== undefined) {
        child.saveAll();
        this.#shared.onUnreadable([...this.names(), name], value, new Error(NO_OBJECT));
        isMissing = true;
      }
    }
    return isMissing;
  }

  saveAll(): void {
    for (const child of this.children.values()) child.saveAll();
  }

  countPrivate(change: number): void {
    this.privateCount += change;
    this.#text = undefined;
    if (this.#phase === "there") this.parent?.countPrivate(change);
  }

  sentValues(): Plain {
    const sent: Plain = {};
    for (const [name, child] of this.children) {
      const value = child instanceof Leaf ? child.sent : child.sentValues();
      if (value !== undefined) sent[name] = value;
    }
    return sent;
  }

  assumeSent(sent: Plain): void {
    for (const [name, child] of this.children) {
      const value = Object.hasOwn(sent, name) ? sent[name] : undefined;
      if (value !== undefined) this.unsent?.delete(name);
      if (child instanceof Leaf) child.assumeSent(value);
      else child.assumeSent((value ?? {}) as Plain);
      this.#touch(name);
    }
    const removed = Object.keys(sent).filter((name) => !this.children.has(name));
    this.removed = new Map(removed.map((name) => [name, undefined]));
    this.#text = undefined;
  }

  /** Removes it from the state and from storage. */
  remove(): void {
    if (this.isInState && !this.#shared.loading) this.removeRows();
    this.stop();
    if (this.#phase === "there") this.parent?.countPrivate(-this.privateCount);
    this.#phase = "gone";
  }

  removeRows(): void {
    // A group inside of an entry shares its row.
    if (this.isWhole) {
      this.placement.row.touch();
      this.placement.row.removed(this.placement.persisted);
    }
    for (const child of this.children.values()) if (!(child instanceof Leaf)) child.removeRows();
  }

  stop(): void {
    this.isInState = false;
    for (const child of this.children.values()) child.stop();
  }

  #add({ name, value, field }: Member): void {
    const child = field ? makeField(this.#shared, this, name, value, field) : this.#innerGroup(name, value);
    this.children.set(name, child);
    this.#touch(name);
    if (child instanceof Leaf) {
      if (child.audience) this.countPrivate(1);
      return;
    }
    if (!child.hidden && !this.placement.audience) (this.unsent ??= new Set()).add(name);
    // A collection has counted its private fields itself.
    if (child instanceof Group) this.countPrivate(child.privateCount);
  }

  #innerGroup(name: string, value: object): Group {
    const row = this.parent ? this.placement.row : this.#ownRow(name);
    const shape = this.placement.shape?.get(name) as EntryShape | undefined;
    return new Group(this.#shared, this, name, value, { ...this.placement, row, shape, kind: undefined });
  }

  /** The objects around it, up to the entry. */
  #around(): object[] {
    const around: object[] = [];
    for (let group = this.parent; group instanceof Group; group = group.parent) around.push(group.target);
    return around;
  }

  /** Scalars of the room share its row, and other fields have their own. An entry is one row. */
  rowOfField(name: string, signal: Signal): Row {
    return this.parent || shapeOf(signal()) === "any" ? this.placement.row : this.#ownRow(name);
  }

  #ownRow(name: string): Row {
    return new Row(this.#shared.rows, encodeKey([name]), (persisted) => {
      const child = this.children.get(name);
      if (child instanceof Leaf) return child.persisted === persisted ? child.stored() : undefined;
      return child instanceof Group ? child.stored(persisted) : undefined;
    });
  }
}

/** Whether a node is a collection. A Worker without collections does not contain the class. */
export const isEntries = (node: Node | undefined): node is Entries =>
  node !== undefined && !(node instanceof Group) && node.field.factory !== undefined;

/** What other code does with collections. It comes with the class of their nodes. @param field that of a collection */
export const partsOf = ({ Entries: node }: Pick<Field, "Entries">): EntryParts =>
  (node as { readonly parts: EntryParts }).parts;
