import { hash } from "../../protocol/hash.ts";
import { writeSyncFrame } from "../../protocol/binary/frames.ts";
import { withText } from "../../protocol/binary/frame-text.ts";
import type { BinaryHead } from "../../protocol/binary/frames.ts";
import { PatchEncoder } from "../../protocol/binary/patch-encoder.ts";
import { specOf } from "../../protocol/binary/tables.ts";
import type { Plain } from "../../protocol/values.ts";
import type { Tree } from "../../state/tree.ts";
import { wireTablesOf } from "../../state/wire-tables.ts";
import { encodeSync, encodeWelcome, epochOf } from "../../protocol/packets.ts";
import type { SyncHead } from "../../protocol/packets.ts";
import type { RoomConnection } from "../connections/connection.ts";

const NO_BLOCKS = new Uint8Array(0);

/** An encoder that has seen all patches for everyone since its first client came. */
class Run {
  readonly id = crypto.randomUUID().slice(0, 8);
  readonly tables: string;
  readonly tablesHash: string;
  readonly encoder: PatchEncoder;
  /** The last whole state that was written, as JSON and as blocks: many may join at once. */
  whole: { readonly text: string; readonly bytes: Uint8Array } | undefined;

  constructor(tree: Tree) {
    const { shared, seen } = wireTablesOf(tree.root);
    this.tables = JSON.stringify(shared.map(specOf));
    this.tablesHash = hash(this.tables);
    this.encoder = new PatchEncoder(shared);
    tree.crowd?.speak(seen, shared.length);
  }
}

/** Writes sync packets for the clients of protocol 3 that are connected here. */
export class BinaryPatches {
  readonly #tree: Tree;
  #run: Run | undefined;
  /** Whether there may be clients of protocol 3: a room that wakes finds out at its first patch. */
  #hasReaders = true;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /** Takes a patch for everyone. @returns gives it as blocks */
  shared(patch: Readonly<Plain> | undefined, conns: ReadonlySet<RoomConnection>): () => Uint8Array {
    this.#hasReaders &&= conns.values().some(({ protocol }) => protocol === 3);
    if (!this.#hasReaders) {
      // From now on it misses patches.
      this.#run = undefined;
      this.#tree.crowd?.speak(undefined, 0);
      return () => NO_BLOCKS;
    }
    const run = this.#started;
    if (!patch) return () => NO_BLOCKS;
    run.whole = undefined;
    const blocks = run.encoder.shared(patch);
    return () => blocks;
  }

  /** What some get in place of the last patch for everyone. */
  merged(patch: Readonly<Plain>): Uint8Array {
    return this.#started.encoder.merged(patch);
  }

  /** The first packet of a connection. @param publicId with the whole state @param text its value, as JSON */
  first(conn: RoomConnection, head: SyncHead, publicId: string | undefined, text: string): Uint8Array<ArrayBuffer> {
    const known = conn.wire;
    const run = this.#started;
    const { tablesHash, id, encoder } = run;
    const own: BinaryHead = {
      ...head,
      ...(publicId !== undefined && { publicId, epoch: epochOf(head.epoch as string, publicId) }),
      tablesHash,
      ...(known?.tables !== tablesHash && { tables: run.tables }),
      run: id,
    };
    if (run.whole?.text !== text) run.whole = { text, bytes: encoder.whole(JSON.parse(text) as Plain) };
    const isKnown = head.resumed !== true || (known?.run === id && known.tables === tablesHash);
    const slots = isKnown ? NO_BLOCKS : encoder.slots();
    const frame = writeSyncFrame(own, run.whole.bytes, slots, this.#tree.crowd?.slotsFor(conn) ?? NO_BLOCKS);
    return withText(frame, () =>
      publicId === undefined ? encodeSync(text, head) : encodeWelcome(publicId, text, head),
    );
  }

  get #started(): Run {
    this.#hasReaders = true;
    return (this.#run ??= new Run(this.#tree));
  }
}
