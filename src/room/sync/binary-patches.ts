import { hash } from "../../protocol/hash.ts";
import { writeClear } from "../../protocol/binary/blocks.ts";
import { written } from "../../protocol/binary/bytes.ts";
import { writeFirstFrame } from "../../protocol/binary/frames.ts";
import type { RunTables } from "../../protocol/binary/frames.ts";
import { PatchEncoder } from "../../protocol/binary/patch-encoder.ts";
import { specOf } from "../../protocol/binary/tables.ts";
import type { Plain } from "../../protocol/values.ts";
import type { BinaryState } from "../../relay/messages.ts";
import type { Tree } from "../../state/tree.ts";
import { wireTablesOf } from "../../state/wire-tables.ts";
import type { WireTables } from "../../state/wire-tables.ts";
import type { SyncHead } from "../../protocol/packets.ts";
import type { RoomConnection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";

const NO_BLOCKS = new Uint8Array(0);

/** An encoder that has seen all patches for everyone since its first client came. */
class Run {
  readonly tables: RunTables;
  readonly encoder: PatchEncoder;
  /** The last whole state that was written, as JSON and as blocks: many may join at once. */
  #whole: { readonly text: string; readonly bytes: Uint8Array } | undefined;

  constructor({ shared }: WireTables) {
    const tables = JSON.stringify(shared.map(specOf));
    this.tables = { tablesHash: hash(tables), tables, run: crypto.randomUUID().slice(0, 8) };
    this.encoder = new PatchEncoder(shared);
  }

  shared(patch: Readonly<Plain>): Uint8Array {
    this.#whole = undefined;
    return this.encoder.shared(patch);
  }

  /** @param text as JSON */
  whole(text: string): Uint8Array {
    if (this.#whole?.text !== text)
      this.#whole = { text, bytes: this.encoder.whole(JSON.parse(text) as Readonly<Plain>) };
    return this.#whole.bytes;
  }
}

/** Writes sync packets for clients of protocol 3: frames for those that are connected here, and blocks for shards. */
export class BinaryPatches {
  readonly #tree: Tree;
  readonly #connections: Connections;
  #tables: WireTables | undefined;
  #run: Run | undefined;
  /** Whether there may be clients of protocol 3, anywhere and here: a room that wakes finds out at its first patch. */
  #hasReaders = true;
  #hasReadersHere = true;

  constructor(tree: Tree, connections: Connections) {
    this.#tree = tree;
    this.#connections = connections;
  }

  /** Takes a patch for everyone. @returns it as blocks; undefined if there is none, or nobody reads it */
  shared(patch: Readonly<Plain> | undefined): Uint8Array | undefined {
    this.#hasReaders &&= this.#connections.all().some(isReader);
    this.#hasReadersHere &&= this.#connections.direct.values().some(isReader);
    this.#speak();
    // Without readers it misses patches from now on.
    if (!this.#hasReaders) this.#run = undefined;
    return this.#hasReaders && patch ? this.#started.shared(patch) : undefined;
  }

  /** The tables that patches are written with. */
  get tables(): RunTables {
    return this.#started.tables;
  }

  /** The first packet of a connection. @param publicId with the whole state @param text its value, as JSON */
  first(conn: RoomConnection, head: SyncHead, publicId: string | undefined, text: string): Uint8Array<ArrayBuffer> {
    this.#hasReadersHere = true;
    this.#speak();
    const seen = this.#tree.crowd?.slotsFor(conn) ?? NO_BLOCKS;
    const patch = publicId === undefined ? this.resumed(conn, text, head.clear) : this.#started.whole(text);
    return writeFirstFrame(head, publicId, this.tables, conn.wire?.tables, seen, patch);
  }

  /** What a connection missed. @param text as JSON @param clear what it deletes first */
  resumed({ wire }: RoomConnection, text: string, clear: Readonly<Plain> | undefined): Uint8Array {
    const { encoder, tables } = this.#started;
    const isKnown = wire?.run === tables.run && wire.tables === tables.tablesHash;
    return written((out) => {
      if (clear) writeClear(out, clear);
      // The patch comes after the slots, which make an entry of what it may remove first.
      if (!isKnown) out.bytes(encoder.slots());
      out.bytes(this.#started.whole(text));
    });
  }

  /** The state for clients at a shard. @param conns those who get it @param text as JSON; undefined if all have it */
  stateFor(conns: readonly RoomConnection[], text: string | undefined): BinaryState | undefined {
    if (!conns.some(isReader)) return undefined;
    return { ...this.tables, blocks: text === undefined ? NO_BLOCKS : this.#started.whole(text) };
  }

  /** What is seen by keys is written here only for connections that are here. */
  #speak(): void {
    const { crowd } = this.#tree;
    if (!crowd || this.#hasReadersHere === (crowd.wire !== undefined)) return;
    crowd.speak(this.#hasReadersHere ? this.#wireTables.seen : undefined);
  }

  get #wireTables(): WireTables {
    return (this.#tables ??= wireTablesOf(this.#tree.root));
  }

  get #started(): Run {
    this.#hasReaders = true;
    return (this.#run ??= new Run(this.#wireTables));
  }
}

/** Where the room changes packets on their way, frames are made of what each client gets. */
function isReader({ protocol, isIntercepted }: RoomConnection): boolean {
  return protocol === 3 && !isIntercepted;
}
