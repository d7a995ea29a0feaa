import { DELETE, isLiteral } from "../values.ts";
import type { Plain } from "../values.ts";
import { BLOCK, writeJson } from "./blocks.ts";
import { written } from "./bytes.ts";
import type { ByteWriter } from "./bytes.ts";
import { Collection, NamedRows, writeRemovals } from "./collection.ts";
import { fill, NO_TAKERS } from "./patch-encoder.ts";
import { fixedType, writeFixed } from "./columns.ts";
import { RefilledList } from "./refilled-list.ts";
import { hasField, Row } from "./row-blocks.ts";
import { Slots } from "./slots.ts";
import { writeTable } from "./tables.ts";
import type { Table } from "./tables.ts";

/** A change of an entry. All clients that see it get the change; other values are sent to single clients. */
export interface ToldEntry {
  readonly key: string;
  readonly form: "change" | "whole" | "late" | "gone";
  /** As in a patch. */
  readonly value: unknown;
  /** The encoded change: made once for all clients that get it. */
  written?: Written | undefined;
}

/** A row of numbers, which is written together with others of its shape; or blocks, which have no shape. */
export interface Written {
  readonly shape: Shape | undefined;
  readonly bytes: Uint8Array;
  /** The run. Slots of another run belong to other entries. */
  readonly run: object;
}

/** The common properties of rows that are written together. */
interface Shape {
  readonly mask: number;
  readonly types: Uint8Array;
  /** The rows of the frame that is being written. */
  readonly pieces: RefilledList<Uint8Array>;
}

/** Writes a value under a key of a patch. */
type Put = (to: Plain, key: string, value: unknown) => void;

/** A table with the index that clients know. */
export type IndexedTable = readonly [index: number, table: Table];

/**
 * Writes entries of collections that not all clients see. A client gets a table only when it sees an entry of it, and
 * slots are random: neither reveals anything about entries that the client may not see.
 */
export class SeenEncoder {
  readonly #collections = new Map<string, SeenCollection>();
  /** The tables that each connection knows. */
  readonly #told = new WeakMap<object, Set<SeenCollection>>();
  /** Entries that were removed when the last window ended. */
  #gone: (readonly [name: string, key: string])[] = [];

  constructor(tables: readonly IndexedTable[] = []) {
    for (const table of tables) this.add(table);
  }

  /** Sets the table of a collection. No client knows any of its slots. */
  add([index, table]: IndexedTable): void {
    this.#collections.set(table.names[0] as string, new SeenCollection(index, table, new Slots(true)));
  }

  /** Starts a window. */
  begin(): void {
    for (const [name, key] of this.#gone) this.#collections.get(name)?.forget(key);
    this.#gone = [];
  }

  /**
   * Assigns slots to the entries that changed in a window. All clients that see them get the change and so the slots.
   * Other packets do not ensure that.
   * @param number the number of the window @param toldIn the last window of which all clients have all changes: those
   * of distant entries may be sent later
   */
  assign(name: string, changes: Iterable<ToldEntry>, number: number, toldIn: number): void {
    const collection = this.#collections.get(name);
    if (!collection) return;
    const { slots, fresh } = collection;
    for (const [key, assignedIn] of fresh) if (assignedIn <= toldIn) fresh.delete(key);
    for (const { key, value } of changes) {
      if (slots.of(key) !== undefined || collection.fill(value).row.mask === 0) continue;
      slots.assign(key);
      fresh.set(key, number);
    }
  }

  /** The entry was removed for all clients. The rest of this window still names it by its slot. */
  release(name: string, key: string): void {
    this.#gone.push([name, key]);
  }

  write(out: ByteWriter, name: string, entries: Iterable<ToldEntry>, put: Put): void {
    const collection = this.#collections.get(name);
    if (!collection) return;
    const shapes: Shape[] = [];
    const gone: number[] = [];
    for (const entry of entries) {
      const slot = entry.form === "gone" ? collection.known(entry.key) : undefined;
      if (slot !== undefined) {
        gone.push(slot);
        continue;
      }
      const { shape, bytes } =
        entry.written?.run === collection ? entry.written : (entry.written = collection.write(entry, put));
      if (!shape) out.bytes(bytes);
      else {
        if (!shapes.includes(shape)) {
          shapes.push(shape);
          // There are pieces of an earlier packet if it could not be written.
          shape.pieces.clear();
        }
        shape.pieces.add(bytes);
      }
    }
    for (const shape of shapes) writePieces(out, collection, shape);
    if (gone.length > 0) writeRemovals(out, collection, gone);
  }

  /** Whether a connection knows the table of a collection, or there is none. */
  hasTold(name: string, conn: object): boolean {
    const collection = this.#collections.get(name);
    return !collection || this.#told.get(conn)?.has(collection) === true;
  }

  /** A connection knows no tables: it begins anew, or did not get the packet with them. */
  forget(conn: object): void {
    this.#told.delete(conn);
  }

  /** Writes the table of a collection, if a connection does not know it yet. */
  tell(out: ByteWriter, name: string, conn: object): void {
    const collection = this.#collections.get(name);
    if (!collection || this.hasTold(name, conn)) return;
    this.#told.set(conn, (this.#told.get(conn) ?? new Set()).add(collection));
    writeTable(out, collection.index, collection.table);
  }

  /** Writes the slots of entries that a connection gets in another way. */
  tellSlots(out: ByteWriter, name: string, keys: Iterable<string>): void {
    const collection = this.#collections.get(name);
    if (!collection) return;
    const known = new Map<string, number>();
    for (const key of keys) {
      const slot = collection.slots.of(key);
      if (slot !== undefined) known.set(key, slot);
    }
    collection.tellSlots(out, known);
  }
}

class SeenCollection extends Collection {
  /** The entries whose slot some clients that see them may not know, with the window in which they got it. */
  readonly fresh = new Map<string, number>();
  /** There are few shapes: clients change the same fields again and again. */
  readonly #shapes: Shape[] = [];

  write(entry: ToldEntry, put: Put): Written {
    const { key, form, value } = entry;
    const known = this.known(key);
    const { row, left } = this.fill(value);
    const piece = form === "change" && known !== undefined && left === undefined ? this.#piece(known, row) : undefined;
    if (piece) return piece;
    const isKnown = form === "change" && known !== undefined;
    return { shape: undefined, bytes: this.#blocks(key, this.slots.of(key), isKnown, row, left, put), run: this };
  }

  /** The slot of an entry, if all clients that saw it before this window know the slot. */
  known(key: string): number | undefined {
    return this.fresh.has(key) ? undefined : this.slots.of(key);
  }

  /** The entry was removed. */
  forget(key: string): void {
    this.slots.release(key);
    this.fresh.delete(key);
  }

  /** @returns the fields of the table in a value, and the rest of it */
  fill(value: unknown): { readonly row: Row; readonly left: unknown } {
    const row = new Row();
    // A value that replaces an entry is an instance of a class, not a patch.
    const isFilled = isLiteral(value) && Object.keys(value).length > 0;
    return { row, left: isFilled ? fill(row, this.parts, value, NO_TAKERS) : value };
  }

  #blocks(key: string, slot: number | undefined, isKnown: boolean, row: Row, left: unknown, put: Put) {
    return written((out) => {
      const rows = new NamedRows();
      if (slot === undefined || isKnown) {
        if (row.mask > 0) (isKnown ? rows.known : rows.named).add(row, key, slot);
      } else if (left !== DELETE) rows.told.add(row, key, slot);
      rows.write(out, this);
      if (left === undefined) return;
      const rest: Plain = {};
      // After the row: it makes the entry of which this may remove something first.
      put(rest, key, left);
      writeJson(out, { [this.table.names[0] as string]: rest });
    });
  }

  /** @returns undefined if not all values are numbers */
  #piece(slot: number, { mask, values }: Row): Written | undefined {
    const types: number[] = [];
    const numbers: number[] = [];
    for (const [field, { codec }] of this.table.fields.entries()) {
      if (!hasField(mask, field)) continue;
      const number = codec ? codec.code(values[field]) : values[field];
      if (typeof number !== "number") return undefined;
      types.push(fixedType(number, codec));
      numbers.push(number);
    }
    const bytes = written((out) => {
      out.varint(slot);
      for (const [at, number] of numbers.entries()) writeFixed(out, types[at] as number, number);
    });
    return { shape: this.#shapeOf(mask, types), bytes, run: this };
  }

  #shapeOf(mask: number, types: readonly number[]): Shape {
    const known = this.#shapes.find((each) => each.mask === mask && types.every((type, at) => type === each.types[at]));
    if (known) return known;
    const shape: Shape = { mask, types: Uint8Array.from(types), pieces: new RefilledList() };
    this.#shapes.push(shape);
    return shape;
  }
}

function writePieces(out: ByteWriter, { index }: Collection, { mask, types, pieces }: Shape): void {
  out.byte(BLOCK.pieces);
  out.varint(index);
  out.varint(mask);
  out.bytes(types);
  out.varint(pieces.size);
  pieces.forEach((piece) => out.bytes(piece));
}
