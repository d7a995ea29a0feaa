import { applyPatch } from "../../protocol/apply-patch.ts";
import { ByteReader } from "../../protocol/binary/bytes.ts";
import { FrameReader } from "../../protocol/binary/frame-reader.ts";
import { FRAME, readSyncHead, writeSyncFrame } from "../../protocol/binary/frames.ts";
import type { BinaryHead } from "../../protocol/binary/frames.ts";
import { readTables } from "../../protocol/binary/tables.ts";
import type { TableSpec } from "../../protocol/binary/tables.ts";
import type { Plain } from "../../protocol/values.ts";
import { describeBlocks } from "./describe-blocks.ts";
import type { KnownTable } from "../../protocol/binary/patch-decoder.ts";

/** What the frames of one connection have contained so far. */
export class CapturedConnection {
  readonly #given: string | undefined;
  readonly #reader = new FrameReader();
  #state: Readonly<Plain> = {};
  #hash: string | undefined;
  #run: string | undefined;
  /** The tables of the last head that had any. */
  #first: readonly KnownTable[] = [];
  #tables = new Map<number, KnownTable>();

  /** @param given the tables as JSON, for frames that do not have them */
  constructor(given: string | undefined) {
    this.#given = given;
    if (given !== undefined) this.#take({ tablesHash: "", tables: given });
  }

  /** Describes a frame. @throws MalformedFrame after the readable part */
  *describe(frame: Uint8Array): Generator<string> {
    const from = new ByteReader(frame);
    if (from.byte() === FRAME.sync) yield* this.#describeSync(frame, from);
    const packet = this.#reader.read(frame, this.#state);
    if (packet.type === "sync")
      for (const step of [packet["clear"], packet["value"]])
        this.#state = applyPatch(this.#state, (step ?? {}) as Plain);
    yield `packet ${JSON.stringify(packet)}`;
  }

  *#describeSync(frame: Uint8Array, from: ByteReader): Generator<string> {
    const head = readSyncHead(from);
    for (const [name, value] of Object.entries(head)) yield `${name} ${value}`;
    const isUntold = head.tablesHash !== undefined && head.tables === undefined && this.#hash !== head.tablesHash;
    this.#take(isUntold && this.#given !== undefined ? { ...head, tables: this.#given } : head);
    yield* describeBlocks(frame, from, { tables: this.#tables, state: this.#state });
  }

  /** Remembers the tables and slots of a head, here and in the reader. */
  #take({ tablesHash, tables, run }: BinaryHead): void {
    if (tablesHash !== undefined && tablesHash !== this.#hash && tables !== undefined) {
      this.#reader.read(writeSyncFrame({ tablesHash, tables }), {});
      this.#hash = tablesHash;
      const specs = JSON.parse(tables) as readonly TableSpec[];
      this.#first = readTables(specs).map((table) => ({ table, keys: new Map() }));
    }
    if (tablesHash !== undefined) this.#tables = new Map(this.#first.entries());
    if (run === undefined || run === this.#run) return;
    this.#run = run;
    for (const { keys } of this.#tables.values()) keys.clear();
  }
}
