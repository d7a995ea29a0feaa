import type { TableSpec } from "../protocol/binary/tables.ts";
import type { Key, SightRule } from "./key-rules.ts";

/**
 * What a shard is told of a collection whose entries are seen by keys. It finds out by itself which of its clients sees
 * what: so each change crosses once, however many of them see it.
 */
export interface SightChanges {
  /** The collection: a field of the state itself. */
  readonly name: string;
  /** Set where this takes the place of all that the shard knows of the collection. */
  readonly all?: {
    readonly rule: SightRule;
    /** Whether users see the entry under their public id in any case. */
    readonly seesOwn: boolean;
    /** Whether users look from where their own entry is. */
    readonly looksFromOwn: boolean;
    /** How often what changed in each ring is told, the nearest first: the least time between two packets, in ms. */
    readonly periods?: readonly number[] | undefined;
    /** The most entries that a client is shown: the nearest. Then places and viewers come with positions. */
    readonly nearest?: number | undefined;
    /** Its table in the binary protocol, and the index of that. Only for shards that speak it. */
    readonly table?: readonly [index: number, table: TableSpec] | undefined;
  };
  /** What changed of entries that a client of the shard sees, as JSON: by their keys, as in a patch. New ones are whole. */
  readonly patch: string;
  /**
   * Where those are that are new or elsewhere, as JSON: by their keys. Cells are lists of whole numbers; with a position,
   * a list of the cell and the coordinates.
   */
  readonly places: string;
  /** Clients that look in another way: from a cell, with a list of keys, or with true for everything. */
  readonly viewers: readonly (readonly [id: number, from: unknown])[];
  /** Whether nothing waits until it is the turn of its ring: the room sends only when it is told to. */
  readonly isAll?: true;
}

/** Some of the clients of a shard: those who see an entry, and those who have one of some keys. */
export interface Seers {
  readonly entry?: readonly [name: string, key: string];
  readonly keys: readonly Key[];
}
