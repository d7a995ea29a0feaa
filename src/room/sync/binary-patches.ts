import { hash } from "../../protocol/hash.ts";
import { writeClear } from "../../protocol/binary/blocks.ts";
import { written } from "../../protocol/binary/bytes.ts";
import { writeFirstFrame } from "../../protocol/binary/frames.ts";
import type { RunTables } from "../../protocol/binary/frames.ts";
import { PatchEncoder } from "../../protocol/binary/patch-encoder.ts";
import { specOf } from "../../protocol/binary/tables.ts";
import type { Plain } from "../../protocol/values.ts";
import type { Tree } from "../../state/tree.ts";
import { wireTablesOf } from "../../state/wire-tables.ts";
import type { WireTables } from "../../state/wire-tables.ts";
import type { SyncHead } from "../../protocol/packets.ts";
import type { RoomConnection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";

export const NO_BLOCKS = new Uint8Array(0);

/** An encoder that has encoded all patches for everyone since its first client connected. */
class Run {
  readonly tables: RunTables;
  readonly encoder: PatchEncoder;
  /** The last whole state, as JSON and as blocks, since many clients may join at once. */
  #whole: { readonly text: string; readonly bytes: Uint8Array } | undefined;

  constructor({ shared, Writer }: WireTables) {
    const tables = JSON.stringify(shared.map(specOf));
    this.tables = { tablesHash: hash(tables), tables, run: crypto.randomUUID().slice(0, 8) };
    this.encoder = new PatchEncoder(shared, Writer);
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

/** Writes sync packets for clients of protocol 3: frames for local connections, and blocks for shards. */
export class BinaryPatches {
  readonly #tree: Tree;
  readonly #connections: Connections;
  #tables: WireTables | undefined;
  #run: Run | undefined;
  /**
   * Whether there may be clients of protocol 3, at any place and here. A room that wakes finds out with its first
   * patch.
   */
  #hasReaders = true;
  #hasReadersHere = true;

  constructor(tree: Tree, connections: Connections) {
    this.#tree = tree;
    this.#connections = connections;
  }

  /** Encodes a patch for everyone. @returns blocks, or undefined if there is no patch or no reader */
  shared(patch: Readonly<Plain> | undefined): Uint8Array | undefined {
    this.#hasReaders &&= this.#connections.all().some(isReader);
    this.#hasReadersHere &&= this.#connections.direct.values().some(isReader);
    this.#speak();
    // Without readers, patches are no longer encoded.
    if (!this.#hasReaders) this.#run = undefined;
    return this.#hasReaders && patch ? this.#started.shared(patch) : undefined;
  }

  /** The tables that patches are written with. */
  get tables(): RunTables {
    return this.#started.tables;
  }

  /** Makes the first packet of a connection. @param publicId with the whole state @param text the value as JSON */
  first(conn: RoomConnection, head: SyncHead, publicId: string | undefined, text: string): Uint8Array<ArrayBuffer> {
    this.#hasReadersHere = true;
    this.#speak();
    const seen = this.#tree.crowd?.slotsFor(conn) ?? NO_BLOCKS;
    const patch = publicId === undefined ? this.resumed(conn, text, head.clear) : this.whole(text);
    return writeFirstFrame(head, publicId, this.tables, conn.wire?.tables, seen, patch);
  }

  /** Makes the packet with the missed changes. @param text the value as JSON @param clear paths to delete first */
  resumed({ wire }: RoomConnection, text: string, clear: Readonly<Plain> | undefined): Uint8Array {
    const { encoder, tables } = this.#started;
    const isKnown = wire?.run === tables.run && wire.tables === tables.tablesHash;
    return written((out) => {
      if (clear) writeClear(out, clear);
      // The patch follows the slots, since it may remove an entry that the slots create.
      if (!isKnown) out.bytes(encoder.slots());
      out.bytes(this.whole(text));
    });
  }

  /** Encodes the whole state. @param text as JSON */
  whole(text: string): Uint8Array {
    return this.#started.whole(text);
  }

  /** Visible entries are encoded here only for local connections. */
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

/** If an interceptor changes packets, frames are made from its results for each client. */
export function isReader({ protocol, isIntercepted }: RoomConnection): boolean {
  return protocol === 3 && !isIntercepted;
}
