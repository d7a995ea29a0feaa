import { epochOf } from "../packets.ts";
import type { SyncHead } from "../packets.ts";
import { DOUBLE, written } from "./bytes.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";

/** The kinds of frames: the first byte. */
export const FRAME = { sync: 1, ack: 2 } as const;

/**
 * The optional sections of a sync frame. Each has a text, a number, a tick, or no content. The kind of a section is its
 * position in this list, from 1. Readers skip sections that they do not know.
 */
const SECTIONS = [
  ["epoch", "text"],
  ["mark", "number"],
  ["resumed", "flag"],
  ["from", "number"],
  ["reset", "flag"],
  ["batch", "number"],
  ["publicId", "text"],
  ["tablesHash", "text"],
  ["tables", "text"],
  ["run", "text"],
  ["confirm", "number"],
  ["spread", "number"],
  ["tick", "tick"],
  ["input", "number"],
] as const;
const INPUT = 14;

/** The head of a sync frame: that of JSON, and the parts that only the binary form has. */
export interface BinaryHead extends Partial<SyncHead> {
  /** Only with a whole state. */
  readonly publicId?: string;
  /** The hash of the tables that the patch is written with. */
  readonly tablesHash?: string;
  /** These tables as JSON, if the client does not have them. */
  readonly tables?: string;
  /** The run in which slots are valid. */
  readonly run?: string;
  /** Asks the client to confirm that it has read everything up to here. */
  readonly confirm?: number;
  /** With `confirm`: by how many ms clients delay their reconnects if they lose their connections together. */
  readonly spread?: number;
}

/** @param patch one or more pieces */
export function writeSyncFrame(head: BinaryHead, ...patch: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return written((out) => {
    writeSyncHead(out, head);
    for (const piece of patch) out.bytes(piece);
  });
}

/**
 * Writes the head of a sync frame. The patch follows. @param head undefined if it is empty, as in most frames for a
 * crowd
 */
export function writeSyncHead(out: ByteWriter, head: BinaryHead | undefined): void {
  out.byte(FRAME.sync);
  if (!head) {
    out.varint(0);
    out.byte(0);
    return;
  }
  out.varint(head.seq === undefined ? 0 : head.seq + 1);
  out.byte(SECTIONS.filter(([name]) => head[name] !== undefined).length);
  for (const [index, [name, type]] of SECTIONS.entries()) {
    const value = head[name];
    if (value === undefined) continue;
    writeSection(out, index + 1, (to) => {
      if (type === "text") to.rest(value as string);
      else if (type !== "flag") to.varint(value as number);
      if (type === "tick" && head.hz !== undefined) to.number(DOUBLE, head.hz);
    });
  }
}

/** Adds the number of the last applied input of one client to a frame for many. */
export function withInputSection(frame: Uint8Array, input: number): Uint8Array<ArrayBuffer> {
  // After the kind, which is one byte, and the number of the packet, whose last byte is below 0x80.
  const at = frame.findIndex((byte, index) => index > 0 && byte < 0x80) + 1;
  return written((out) => {
    out.bytes(frame.subarray(0, at));
    out.byte((frame[at] as number) + 1);
    writeSection(out, INPUT, (to) => to.varint(input));
    out.bytes(frame.subarray(at + 1));
  });
}

function writeSection(out: ByteWriter, kind: number, write: (to: ByteWriter) => void): void {
  const section = written(write);
  out.byte(kind);
  out.varint(section.length);
  out.bytes(section);
}

/** The tables that a room writes patches with, and the run in which its slots are valid. */
export interface RunTables {
  readonly tablesHash: string;
  /** As JSON. */
  readonly tables: string;
  readonly run: string;
}

/** The head that tells a client about the tables. @param known the hash of the tables that the client has */
export function headOfTables({ tablesHash, tables, run }: RunTables, known: string | undefined): BinaryHead {
  return { tablesHash, ...(known !== tablesHash && { tables }), run };
}

/** Makes the first packet of a connection. @param publicId with a whole state @param known see {@link headOfTables} */
export function writeFirstFrame(
  head: SyncHead,
  publicId: string | undefined,
  tables: RunTables,
  known: string | undefined,
  ...patch: readonly Uint8Array[]
): Uint8Array<ArrayBuffer> {
  const { epoch } = head;
  const who = publicId !== undefined && epoch !== undefined && { publicId, epoch: epochOf(epoch, publicId) };
  return writeSyncFrame({ ...head, ...who, ...headOfTables(tables, known) }, ...patch);
}

/** @param value as JSON */
export function writeAckFrame(value: string, seq: number): Uint8Array<ArrayBuffer> {
  return written((out) => {
    out.byte(FRAME.ack);
    out.varint(seq);
    out.rest(value);
  });
}

/** Reads the head of a sync frame, after its first byte. @throws MalformedFrame if it is malformed */
export function readSyncHead(from: ByteReader): BinaryHead {
  const numbered = from.varint();
  const head: Record<string, unknown> = numbered === 0 ? {} : { seq: numbered - 1 };
  for (let left = from.byte(); left > 0; left--) {
    const known = SECTIONS[from.byte() - 1];
    const section = from.part(from.varint());
    if (!known) continue;
    const [name, type] = known;
    head[name] = type === "text" ? section.rest() : type === "flag" || section.varint();
    if (type === "tick" && section.left > 0) [head["hz"]] = section.numbers(["getFloat64", 8], 1);
  }
  return head;
}
