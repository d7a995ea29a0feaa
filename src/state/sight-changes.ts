import type { TableSpec } from "../protocol/binary/tables.ts";
import type { Key, SightRule } from "./key-rules.ts";

/**
 * The changes of a collection with keyed visibility for a shard. The shard decides itself which of its clients see
 * what, so each change is sent to it once, however many of them see it.
 */
export interface SightChanges {
  /** The name of the collection, which is a field of the state itself. */
  readonly name: string;
  /** Set if this replaces everything that the shard knows about the collection. */
  readonly all?: {
    readonly rule: SightRule;
    /** Whether users always see the entry under their public id. */
    readonly seesOwn: boolean;
    /** Whether the views of users are from the place of their own entry. */
    readonly looksFromOwn: boolean;
    /** The least time between two packets with changes of a ring, in ms. The nearest ring is the first. */
    readonly periods?: readonly number[] | undefined;
    /** The most entries that a client is shown: the nearest. If set, places and viewers have positions. */
    readonly nearest?: number | undefined;
    /** Its table in the binary protocol, with its index. Only for shards that support it. */
    readonly table?: readonly [index: number, table: TableSpec] | undefined;
  };
  /** The changes of entries that a client of the shard sees, as JSON: by key, as a patch. New entries are complete. */
  readonly patch: string;
  /**
   * The places of new or moved entries, as JSON: by key. A cell is a list of whole numbers. With a position, the place is a
   * list of the cell and the coordinates.
   */
  readonly places: string;
  /** Clients with a new view: a cell, a list of keys, or true for everything. */
  readonly viewers: readonly (readonly [id: number, from: unknown])[];
  /** Whether nothing waits until it is the turn of its ring: the room sends only when it is told to. */
  readonly isAll?: boolean;
  /** Whether what waits now waits for the next changes, since the room sends only when it is told to. */
  readonly isHeld?: boolean;
}

/** Some of the clients of a shard: those that see an entry, or that have one of some keys. */
export interface Seers {
  readonly entry?: readonly [name: string, key: string];
  readonly keys: readonly Key[];
}
