import type { SyncHead } from "../packets.ts";
import type { Plain } from "../values.ts";
import { ByteReader, expect, MalformedFrame } from "./bytes.ts";
import { FRAME, readSyncHead } from "./frames.ts";
import { objectIn, PatchDecoder } from "./patch-decoder.ts";
import { readTables } from "./tables.ts";

/** A packet in the form that it has as JSON. */
export interface ReadPacket extends Plain {
  readonly type: "sync" | "ack";
}

/** Whether a packet with this head will be applied. */
type IsWanted = (head: Partial<SyncHead> & { readonly hasUser: boolean }) => boolean;

/**
 * Reads the binary frames of a room into packets in the form of JSON. It keeps the tables and slots that frames refer
 * to.
 */
export class FrameReader {
  #tablesHash: string | undefined;
  #run: string | undefined;
  #patches = new PatchDecoder([]);

  /** The tables and the run that this reader knows, as query parameters for a new connection. */
  get query(): Record<string, string> {
    if (this.#tablesHash === undefined || this.#run === undefined) return {};
    return { tables: this.#tablesHash, run: this.#run };
  }

  /**
   * @param state the state that the packet applies to
   * @param isWanted whether a packet with this head will be applied. Otherwise its patch is not read
   * @throws MalformedFrame if the frame is malformed. The client then no longer knows which state it has
   */
  read(bytes: Uint8Array, state: Readonly<Plain>, isWanted: IsWanted = () => true): ReadPacket {
    try {
      const from = new ByteReader(bytes);
      const kind = from.byte();
      if (kind === FRAME.sync) return this.#readSync(from, state, isWanted);
      expect(kind === FRAME.ack, "unknown kind");
      return { type: "ack", seq: from.varint(), value: objectIn(from.restJson()) };
    } catch (error) {
      // Invalid UTF-8, invalid JSON, or an unexpected shape.
      throw error instanceof MalformedFrame ? error : new MalformedFrame((error as Error).message);
    }
  }

  /** Forgets everything. */
  forget(): void {
    this.#tablesHash = this.#run = undefined;
  }

  #readSync(from: ByteReader, state: Readonly<Plain>, isWanted: IsWanted): ReadPacket {
    const { publicId, tablesHash, tables, run, ...head } = readSyncHead(from);
    this.#learn(tablesHash, tables, run);
    const isRead = isWanted({ ...head, hasUser: publicId !== undefined });
    // It may name slots, which are unknown then.
    if (!isRead) this.#run = undefined;
    const patch = isRead ? this.#patches.read(from, state, head) : {};
    return { type: "sync", ...head, value: publicId === undefined ? patch : { pId: publicId, ...patch } };
  }

  #learn(tablesHash: string | undefined, tables: string | undefined, run: string | undefined): void {
    if (tablesHash !== undefined) {
      if (tablesHash !== this.#tablesHash) {
        expect(tables !== undefined, "unknown tables");
        this.#patches = new PatchDecoder(readTables(JSON.parse(tables)));
        this.#tablesHash = tablesHash;
      }
      this.#patches.begin();
    }
    if (run === undefined || run === this.#run) return;
    this.#patches.forget();
    this.#run = run;
  }
}
