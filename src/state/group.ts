import type { Signal } from "@signe/reactive";
import { DELETE } from "../protocol/packets.ts";
import { narrow } from "./audience.ts";
import type { Sees } from "./audience.ts";
import { isPlain } from "../protocol/values.ts";
import { put, SAME } from "./diff.ts";
import { takeId } from "./entry-id.ts";
import { Entries } from "./entries.ts";
import { fieldOf, holdsFields, markEntry } from "./fields.ts";
import { Leaf } from "./leaf.ts";
import type { LeafParent } from "./leaf.ts";
import { fitsFields, loadFields } from "./load-fields.ts";
import { isFieldName, shapeOf } from "./value-checks.ts";
import { encodeKey, Row } from "./rows.ts";
import { settleLeaf } from "./settle-leaf.ts";
import type { EntryNode, ParentNode, Place, PrivateChange, Shared } from "./node.ts";

type Node = Leaf | Group | Entries;

/** An object of fields: the state itself, an entry of a collection, or an object inside one of them. */
export class Group implements EntryNode, ParentNode, LeafParent {
  readonly key: string;
  /** The developer's object. */
  readonly target: object;
  readonly place: Place;
  readonly children = new Map<string, Node>();
  readonly hidden: boolean;
  privateCount = 0;
  readonly #shared: Shared;
  readonly #parent: ParentNode | undefined;
  readonly #dirty = new Set<string>();
  /** Objects and collections that nobody was told are there. */
  #untold: Set<string> | undefined;
  /** Fields that clients know of and that are no more. */
  #gone: string[] = [];
  /** What is in it counts for those above only while it is there: not twice as it is made, nor after its end. */
  #phase: "making" | "there" | "gone" = "making";
  #text: string | undefined;

  constructor(shared: Shared, parent: ParentNode | undefined, key: string, target: object, place: Place) {
    this.#shared = shared;
    this.#parent = parent;
    this.key = key;
    this.target = target;
    this.place = place;
    markEntry(target);
    try {
      for (const [name, value] of Object.entries(target)) this.#take(name, value);
    } catch (error) {
      this.remove();
      throw error;
    }
    this.hidden = [...this.children.values()].every((child) => (child instanceof Leaf ? !child.synced : child.hidden));
    this.#phase = "there";
  }

  get dirty(): boolean {
    return this.#dirty.size > 0;
  }

  get attached(): boolean {
    return this.#phase !== "gone" && (this.#parent ? this.#parent.attached : !this.#shared.loading);
  }

  get isSimple(): boolean {
    return [...this.children.values()].every((child) =>
      child instanceof Leaf
        ? child.field.kind !== "computed" && !child.audience
        : child instanceof Group && child.isSimple,
    );
  }

  names(): string[] {
    return this.#parent ? [...this.#parent.names(), this.key] : [];
  }

  coverOf(sees: Sees): string[] | undefined {
    const { audience } = this.place;
    return this.#parent?.coverOf(sees) ?? (audience && !sees(audience) ? this.names() : undefined);
  }

  report(error: unknown): void {
    this.#shared.onError(error);
  }

  unreadable(name: string, value: unknown, error: unknown): void {
    this.#shared.onUnreadable([...this.names(), name], value, error);
  }

  childChanged(name: string): void {
    const wasDirty = this.dirty;
    this.#dirty.add(name);
    if (wasDirty) return;
    if (this.#parent) this.#parent.childChanged(this.key);
    else this.#shared.onChange();
  }

  settle(changes: PrivateChange[]): unknown {
    const patch: Record<string, unknown> = {};
    for (const name of this.#gone) patch[name] = DELETE;
    for (const name of this.#dirty) {
      const child = this.children.get(name) as Node;
      const change = child instanceof Leaf ? settleLeaf(child, changes) : child.settle(changes);
      if (change !== SAME) put(patch, name, change);
      else if (this.#untold?.has(name)) patch[name] = {};
    }
    this.#dirty.clear();
    this.#gone = [];
    this.#untold = undefined;
    this.#text = undefined;
    return Object.keys(patch).length > 0 ? patch : SAME;
  }

  adopt(previous: Group, changes: PrivateChange[]): void {
    for (const [name, before] of previous.children) {
      const child = this.children.get(name);
      this.#untold?.delete(name);
      if (child instanceof Leaf && before instanceof Leaf && child.adopt(before)) continue;
      if (child instanceof Group && before instanceof Group) child.adopt(before, changes);
      else if (child instanceof Entries && before instanceof Entries) child.adopt(before);
      else if (!(before instanceof Leaf) || (before.synced && !before.audience)) this.#gone.push(name);
      else if (before.audience && !(child instanceof Leaf && child.isForAll)) {
        changes.push({ names: before.names(), audience: before.audience, value: DELETE, leaf: undefined });
      }
    }
  }

  textFor(sees: Sees): string {
    if (this.privateCount === 0 && this.#text !== undefined) return this.#text;
    const parts: string[] = [];
    for (const [name, child] of this.children) {
      if (child instanceof Leaf ? !child.synced || (child.audience && !sees(child.audience)) : child.hidden) continue;
      parts.push(`${JSON.stringify(name)}:${child instanceof Leaf ? child.text() : child.textFor(sees)}`);
    }
    const text = `{${parts.join(",")}}`;
    if (this.privateCount === 0) this.#text = text;
    return text;
  }

  textOfStored(stored: unknown): string | undefined {
    if (!isPlain(stored)) return undefined;
    const parts: string[] = [];
    for (const [name, child] of this.children) {
      if (child instanceof Leaf ? !child.synced : child.hidden) continue;
      const value = Object.hasOwn(stored, name) ? stored[name] : undefined;
      const text = child instanceof Entries ? undefined : child.textOfStored(value);
      if (text === undefined) return undefined;
      parts.push(`${JSON.stringify(name)}:${text}`);
    }
    return `{${parts.join(",")}}`;
  }

  privateLeaves(into: Leaf[]): void {
    if (this.privateCount === 0) return;
    for (const child of this.children.values()) {
      if (!(child instanceof Leaf)) child.privateLeaves(into);
      else if (child.synced && child.audience) into.push(child);
    }
  }

  /** The scalar fields of the room, which share one row. */
  storedScalars(persisted: boolean): Record<string, unknown> | undefined {
    return this.#stored(persisted, (leaf) => leaf.row === this.place.row);
  }

  /** All fields of the group, without the entries of collections inside. */
  stored(persisted: boolean): Record<string, unknown> | undefined {
    return this.#stored(persisted, () => true);
  }

  snapshot(): Record<string, unknown> {
    const snapshot: Record<string, unknown> = {};
    for (const [name, child] of this.children) {
      if (child instanceof Group) snapshot[name] = child.snapshot();
      else if (child instanceof Entries) {
        snapshot[name] = Object.fromEntries([...child.children].map(([key, entry]) => [key, entry.snapshot()]));
      } else if (child.persisted && child.row) snapshot[name] = child.stored();
    }
    return snapshot;
  }

  #stored(persisted: boolean, includes: (leaf: Leaf) => boolean): Record<string, unknown> | undefined {
    let values: Record<string, unknown> | undefined;
    for (const [name, child] of this.children) {
      let value: unknown;
      if (child instanceof Leaf) {
        if (child.row && child.persisted === persisted && includes(child)) value = child.stored();
      } else if (child instanceof Group && child.place.row === this.place.row) value = child.stored(persisted);
      if (value !== undefined) (values ??= {})[name] = value;
    }
    return values;
  }

  load(values: Record<string, unknown>): boolean {
    return loadFields(this, values);
  }

  fits(values: Record<string, unknown>): boolean {
    return fitsFields(this, values);
  }

  saveAll(): void {
    for (const child of this.children.values()) {
      if (!(child instanceof Leaf)) child.saveAll();
      else if (child.persisted) child.row?.changed(true);
    }
  }

  countPrivate(change: number): void {
    this.privateCount += change;
    this.#text = undefined;
    if (this.#phase === "there") this.#parent?.countPrivate(change);
  }

  known(): Record<string, unknown> {
    const known: Record<string, unknown> = {};
    for (const [name, child] of this.children) {
      const value = child instanceof Leaf ? child.sent : child.known();
      if (value !== undefined) known[name] = value;
    }
    return known;
  }

  assume(known: Record<string, unknown>): void {
    for (const [name, child] of this.children) {
      const value = Object.hasOwn(known, name) ? known[name] : undefined;
      if (value !== undefined) this.#untold?.delete(name);
      if (child instanceof Leaf) child.assume(value);
      else child.assume((value ?? {}) as Record<string, unknown>);
      this.#dirty.add(name);
    }
    this.#gone = Object.keys(known).filter((name) => !this.children.has(name));
    this.#text = undefined;
  }

  /** Leaves the state and its storage, and stops following anything. */
  remove(): void {
    if (this.attached) this.removeRows();
    this.stop();
    if (this.#phase === "there") this.#parent?.countPrivate(-this.privateCount);
    this.#phase = "gone";
  }

  removeRows(): void {
    // A group inside an entry shares its row.
    if (!(this.#parent instanceof Group)) this.place.row.removed();
    for (const child of this.children.values()) if (!(child instanceof Leaf)) child.removeRows();
  }

  stop(): void {
    for (const child of this.children.values()) {
      child.stop();
      if (child instanceof Leaf) this.#shared.dynamic.delete(child);
    }
  }

  #take(name: string, value: unknown): void {
    if (takeId(this.target as Record<string, unknown>, name, value, this.key)) return;
    const child = this.#childFor(name, value);
    if (!child) return;
    if (!isFieldName(name)) {
      throw new Error(`"${[...this.names(), name].join(".")}" cannot be the name of a field`);
    }
    this.children.set(name, child);
    this.#dirty.add(name);
    if (!(child instanceof Leaf || child.hidden || this.place.audience)) (this.#untold ??= new Set()).add(name);
    // A collection counted what it came with itself.
    if (child instanceof Group) this.privateCount += child.privateCount;
    else if (child instanceof Leaf && child.audience) {
      this.privateCount++;
      if (child.audience.dynamic && (this.attached || this.#shared.loading)) this.#shared.dynamic.add(child);
    }
  }

  #childFor(name: string, value: unknown): Node | undefined {
    const field = fieldOf(value);
    const { audience, owner, persisted } = this.place;
    if (field) {
      const own = { persisted, owner, audience: narrow(audience, field.visibleTo, owner) };
      if (field.factory) return new Entries(this.#shared, this, name, value as never, field, own);
      return new Leaf(this, name, value as Signal, field, {
        ...own,
        row: this.#rowFor(name, shapeOf((value as Signal)()) !== "any"),
      });
    }
    if (typeof value !== "object" || value === null || !holdsFields(value)) return undefined;
    return new Group(this.#shared, this, name, value, { ...this.place, row: this.#rowFor(name, true) });
  }

  /** Scalars of the room share its row; whatever else it has gets one of its own. Entries are one row each. */
  #rowFor(name: string, isOwn: boolean): Row {
    if (this.#parent || !isOwn) return this.place.row;
    return new Row(this.#shared.rows, encodeKey([name]), (persisted) => this.#readOwnRow(name, persisted));
  }

  #readOwnRow(name: string, persisted: boolean): unknown {
    const child = this.children.get(name);
    if (child instanceof Leaf) return child.persisted === persisted ? child.stored() : undefined;
    return child instanceof Group ? child.stored(persisted) : undefined;
  }
}
