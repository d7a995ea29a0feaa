import type { Claims } from "../define/types.ts";
import type { SyncHead } from "../protocol/packets.ts";
import type { Placed } from "../state/merge.ts";

/** What a room and a shard that holds clients of it tell each other. Plain data: it crosses between objects. */

/** A client's request to connect, as it crosses. */
export interface PlainRequest {
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly cf: unknown;
}

/** A client that wants to come in through a shard. */
export interface JoinAttempt {
  readonly request: PlainRequest;
  readonly auth: Claims | null;
  readonly sessionId: string | undefined;
  readonly transferToken: string | undefined;
}

/** From a shard to the room. `id` tells the shard's clients apart. */
export type ToRoom =
  | { readonly kind: "join"; readonly id: number; readonly knock: JoinAttempt }
  | { readonly kind: "message"; readonly id: number; readonly frame: string | ArrayBuffer }
  | { readonly kind: "leave"; readonly id: number };

/** What some clients are told beyond what everyone is. */
export interface PrivateChanges {
  readonly ids: readonly number[];
  readonly changes: readonly Placed[];
}

/** From the room to a shard. What is JSON is text already, so that it is encoded once for all shards. */
export type ToShard =
  /** A patch, for all who have had their first packet. */
  | {
      readonly kind: "sync";
      readonly patch: string | undefined;
      readonly seq: number;
      readonly own: readonly PrivateChanges[];
    }
  /** A packet, for the same. */
  | { readonly kind: "packet"; readonly text: string; readonly except: readonly number[] }
  /** The first packet of these. */
  | { readonly kind: "welcome"; readonly state: string; readonly to: readonly Welcome[] }
  | Mail
  /** What the room keeps with the connection. */
  | { readonly kind: "attach"; readonly id: number; readonly value: unknown }
  /** What all who have had their first packet have to know now. If not `isKnown`, they may know something else. */
  | {
      readonly kind: "state";
      readonly state: string;
      readonly own: readonly PrivateChanges[];
      readonly head: SyncHead;
      readonly isKnown: boolean;
    };

/** Something for one client. Numbered from 1 in a shard's run, since it may come twice if the room is lost. */
export type Mail =
  | { readonly kind: "mail"; readonly id: number; readonly number: number; readonly text: string }
  | {
      readonly kind: "close";
      readonly id: number;
      readonly number: number;
      readonly code: number;
      readonly reason: string;
    };

export interface Welcome {
  readonly id: number;
  readonly publicId: string;
  readonly changes: readonly Placed[];
  /** For a client of protocol 2. */
  readonly head?: SyncHead;
  /** What it missed, as JSON: then it gets this instead of the state. */
  readonly patch?: string;
}

/** Items in their order. */
export interface Batch<T> {
  /** The sender's memory: a new one counts anew. */
  readonly life: string;
  /** From 1. */
  readonly seq: number;
  /** The oldest batch that the sender does not know to have arrived; this one, if all others have. */
  readonly base: number;
  readonly items: readonly T[];
}

/** About how many bytes of a call an item takes. */
export function weightOf(item: ToRoom | ToShard): number {
  switch (item.kind) {
    case "message":
      return OVERHEAD + (typeof item.frame === "string" ? item.frame.length : item.frame.byteLength);
    case "mail":
    case "packet":
      return OVERHEAD + item.text.length;
    case "sync":
      return OVERHEAD + (item.patch?.length ?? 0);
    case "join":
      return OVERHEAD + lengthOf([item.knock.request.url, ...item.knock.request.headers.flat()]);
    case "welcome":
      return OVERHEAD + item.state.length + lengthOf(item.to.map(({ patch = "" }) => patch));
    case "state":
      return OVERHEAD + item.state.length;
    default:
      return OVERHEAD;
  }
}
const OVERHEAD = 200;

function lengthOf(texts: readonly string[]): number {
  return texts.reduce((length, text) => length + text.length, 0);
}

/** ok: it is done, now or before. gap: something is missing before it. unknown: the receiver does not know the sender. */
export interface Receipt {
  readonly verdict: "ok" | "gap" | "unknown";
  /** The shard woke up, and would know what its clients know. */
  readonly wantsState?: boolean;
  /** The room has many shards: each is to gather what its clients send for this long, in ms. */
  readonly spacing?: number;
}

/** A batch of a shard. */
export interface ShardBatch extends Batch<ToRoom> {
  readonly shardId: string;
  /** From its start until a crash; sleep does not end it. */
  readonly run: string;
}

/** A batch for a shard. */
export interface RoomBatch extends Batch<ToShard> {
  /** The shard's run that it is meant for: its ids mean nothing in another one. */
  readonly run: string;
  /** The room's memory that it comes from: after it asked who is there, one that it lost says nothing more. */
  readonly boot: string;
}

/** One client of a shard: let in, with what the room keeps with it; or still waiting at the door. */
export type RosterEntry =
  | { readonly id: number; readonly attachment: unknown; readonly isOpen: boolean }
  | { readonly id: number; readonly knock: JoinAttempt };

/** How a shard introduces itself to a room that asks; undefined if it holds no clients of that room. */
export interface Introduction {
  readonly run: string;
  readonly roster: readonly RosterEntry[];
  readonly wantsState: boolean;
  /** The number of the last mail that came; 0 if the shard does not remember one. */
  readonly mailed: number;
}

/** How a room reaches shards. No outsider can: these are calls between objects. */
export interface Shards {
  /** @param boot tells the memory of a room from those that it lost */
  introduce(shardId: string, boot: string): Promise<Introduction | undefined>;
  deliver(shardId: string, batch: RoomBatch): Promise<Receipt>;
}
