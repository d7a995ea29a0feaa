import type { SyncHead } from "../packets.ts";
import { ByteWriter } from "./bytes.ts";
import type { ByteReader } from "./bytes.ts";

/** What a frame is: its first byte. */
export const FRAME = { sync: 1, ack: 2 } as const;

/** What a sync frame may say beside its number. Readers skip sections that they do not know. */
const SECTION = {
  epoch: 1,
  mark: 2,
  resumed: 3,
  from: 4,
  reset: 5,
  batch: 6,
  publicId: 7,
  tablesHash: 8,
  tables: 9,
  run: 10,
} as const;

/** The head of a sync frame: that of JSON, and what belongs to the binary form. */
export interface BinaryHead extends Partial<SyncHead> {
  /** Only with a whole state. */
  readonly publicId?: string;
  /** Names the tables that the patch is written with. */
  readonly tablesHash?: string;
  /** These tables as JSON, for a client that does not have them. */
  readonly tables?: string;
  /** Slots are valid for one run. */
  readonly run?: string;
}

type Name = keyof typeof SECTION;
const TEXTS: ReadonlySet<Name> = new Set(["epoch", "publicId", "tablesHash", "tables", "run"]);
const FLAGS: ReadonlySet<Name> = new Set(["resumed", "reset"]);
const NAMES: ReadonlyMap<number, Name> = new Map(Object.entries(SECTION).map(([name, id]) => [id, name as Name]));

/** @param patch one piece or more */
export function writeSyncFrame(head: BinaryHead, ...patch: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter();
  out.byte(FRAME.sync);
  out.varint(head.seq === undefined ? 0 : head.seq + 1);
  const sections = (Object.keys(SECTION) as Name[]).filter((name) => head[name] !== undefined);
  out.byte(sections.length);
  for (const name of sections) {
    const section = new ByteWriter();
    if (TEXTS.has(name)) section.rest(head[name] as string);
    else if (!FLAGS.has(name)) section.varint(head[name] as number);
    out.byte(SECTION[name]);
    out.varint(section.length);
    out.bytes(section.take());
  }
  for (const piece of patch) out.bytes(piece);
  return out.take();
}

/** @param value as JSON */
export function writeAckFrame(value: string, seq: number): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter();
  out.byte(FRAME.ack);
  out.varint(seq);
  out.rest(value);
  return out.take();
}

/** Reads the head of a sync frame, after its first byte. @throws MalformedFrame if it is none */
export function readSyncHead(from: ByteReader): BinaryHead {
  const numbered = from.varint();
  const head: Record<string, unknown> = numbered === 0 ? {} : { seq: numbered - 1 };
  for (let left = from.byte(); left > 0; left--) {
    const name = NAMES.get(from.byte());
    const section = from.part(from.varint());
    if (!name) continue;
    head[name] = TEXTS.has(name) ? section.rest() : FLAGS.has(name) ? true : section.varint();
  }
  return head;
}
