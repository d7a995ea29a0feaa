import { jsonBlocks } from "../protocol/binary/blocks.ts";
import { withText } from "../protocol/binary/frame-text.ts";
import { writeAckFrame, writeFirstFrame, writeSyncFrame } from "../protocol/binary/frames.ts";
import type { BinaryHead } from "../protocol/binary/frames.ts";
import { encodeSync, encodeWelcome } from "../protocol/packets.ts";
import type { SyncHead } from "../protocol/packets.ts";
import { inSteps } from "../protocol/clean-patch.ts";
import type { Plain } from "../protocol/values.ts";
import type { BinaryState, Welcome } from "../relay/messages.ts";
import type { SentFrame } from "../platform/ports.ts";
import { addition, merge } from "../state/merge.ts";
import type { Placed } from "../state/merge.ts";

/** The first packet of a client. */
interface First {
  readonly welcome: Pick<Welcome, "publicId" | "head" | "patch" | "blocks" | "tables">;
  /** The state for everyone, as JSON. */
  readonly state: string;
  /** The private state of this client. */
  readonly own: readonly Placed[];
  /** Whether the client applies patches in two steps. */
  readonly clears: boolean;
}

/** A first packet as JSON. */
export function firstText({ welcome: { publicId, head, patch }, state, own, clears }: First): string {
  if (patch === undefined) return encodeWelcome(publicId, mergedText(state, own), head);
  return clears && own.length > 0
    ? encodeSteps(merge(JSON.parse(patch) as Plain, own), head)
    : encodeSync(mergedText(patch, own), head);
}

/** Encodes a patch for a client that applies patches in two steps. @param head may have a `clear` already */
export function encodeSteps(patch: Plain, head?: Partial<SyncHead>): string {
  const { clear, value } = inSteps(patch);
  return encodeSync(JSON.stringify(value), clear ? { ...head, clear: { ...head?.clear, ...clear } } : head);
}

/** The same in the binary protocol. @param binary the state @param slots of the visible entries of keyed collections */
export function firstFrame(first: First, binary: BinaryState, slots: Uint8Array): SentFrame {
  const { head, publicId, patch, blocks, tables } = first.welcome;
  if (!head) return firstText(first);
  const before = patch === undefined ? undefined : (JSON.parse(patch) as Plain);
  const own = first.own.length > 0 ? [jsonBlocks(addition(before, first.own), first.clears)] : [];
  const who = patch === undefined ? publicId : undefined;
  const frame = writeFirstFrame(head, who, binary, tables, slots, blocks ?? binary.blocks, ...own);
  return withText(frame, () => firstText(first));
}

/** Tables of the binary protocol, which a client needs before other packets. */
export function tablesFrame(head: BinaryHead): SentFrame {
  return withText(writeSyncFrame(head), () => encodeSync("{}"));
}

const NUMBERED_ACK = /^\{"type":"ack","seq":(\d+),"value":(.*)\}$/s;

/** A packet of the room for one client, in its protocol: acknowledgements are binary frames with protocol 3. */
export function frameOf(text: string, protocol: number): SentFrame {
  const [, seq, value] = (protocol === 3 && NUMBERED_ACK.exec(text)) || [];
  return value === undefined ? text : withText(writeAckFrame(value, Number(seq)), () => text);
}

/** A sync packet from an interceptor. Only its client can read it, because the room knows the client's state. */
export function ownFrame(frame: Uint8Array<ArrayBuffer>): SentFrame {
  return withText(frame, () => JSON.stringify({ type: "sync", bytes: frame.length }));
}

export function mergedText(text: string, changes: readonly Placed[]): string {
  return changes.length === 0 ? text : JSON.stringify(merge(JSON.parse(text) as Plain, changes));
}
