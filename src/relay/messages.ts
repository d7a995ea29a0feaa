import type { Claims } from "../define/types.ts";
import type { RunTables } from "../protocol/binary/frames.ts";
import type { SyncHead } from "../protocol/packets.ts";
import type { Placed } from "../state/merge.ts";
import type { Seers, SightChanges } from "../state/sight-changes.ts";

/**
 * The messages between a room and a shard that holds some of its clients. Plain data: they are sent between objects.
 */

/** A client's request to connect, as plain data. */
export interface PlainRequest {
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly cf: unknown;
}

/** A client that wants to join the room through a shard. */
export interface JoinAttempt {
  readonly request: PlainRequest;
  readonly auth: Claims | null;
  readonly sessionId: string | undefined;
  readonly transferToken: string | undefined;
}

/** A message from a shard to the room. `id` identifies a client of the shard. */
export type ToRoom =
  | { readonly kind: "join"; readonly id: number; readonly knock: JoinAttempt }
  | { readonly kind: "message"; readonly id: number; readonly frame: string | ArrayBuffer }
  /**
   * The client confirms packets again, and has to be sent what it missed since packet `seq`. `boot` identifies the
   * room's memory that sent the packet: numbers of another one have no meaning. Earlier versions do not send `boot`.
   */
  | { readonly kind: "missed"; readonly id: number; readonly seq: number; readonly boot: string }
  /** `isLost`: the connection broke. Earlier versions do not send it. */
  | { readonly kind: "leave"; readonly id: number; readonly isLost?: boolean };

/** Changes for some clients, in addition to those for all. */
export interface PrivateChanges {
  readonly ids: readonly number[];
  readonly changes: readonly Placed[];
}

/** A state in the format of the binary protocol. */
export interface BinaryState extends RunTables {
  /** The state, as blocks. */
  readonly blocks: Uint8Array;
}

/** A message from the room to a shard. JSON is passed as text, so that it is encoded once for all shards. */
export type ToShard =
  /** A patch, for all clients whose first packet was sent. */
  | {
      readonly kind: "sync";
      readonly patch: string | undefined;
      readonly seq: number;
      readonly own: readonly PrivateChanges[];
      /** The patch in the binary protocol. Sent only to shards that support it, as all binary data. */
      readonly blocks?: Uint8Array;
      /** Sent with the first patch of a room's memory. */
      readonly tables?: RunTables;
      /** Everything that was sent up to this number is stored. Earlier versions do not send it. */
      readonly mark?: number;
      /** Sent only to shards that support it, as all {@link SightChanges}. */
      readonly sights?: readonly SightChanges[];
      /** Clients that get an empty patch if there is no other one for them. */
      readonly promised?: readonly number[];
      /** The number of the room's last tick. Shards of earlier versions do not forward it, nor `inputs`. */
      readonly tick?: number;
      /** Clients to tell which of their inputs was applied last, with an empty patch if there is no other one. */
      readonly inputs?: AppliedInputs;
    }
  /** A packet for the same clients, or for those of them that see an entry or have one of some keys. */
  | {
      readonly kind: "packet";
      readonly text: string;
      readonly except: readonly number[];
      readonly to?: Seers;
      /** While the packet waits for a client, it replaces an earlier one with the same name. */
      readonly latest?: string;
    }
  /** The first packet of these clients. */
  | {
      readonly kind: "welcome";
      readonly state: string;
      readonly to: readonly Welcome[];
      readonly binary?: BinaryState;
      readonly sights?: readonly SightChanges[];
    }
  | Mail
  /** The value that the room attaches to the connection. */
  | { readonly kind: "attach"; readonly id: number; readonly value: unknown }
  /** The state that all clients with a first packet should have. If not `isKnown`, they may have another one. */
  | {
      readonly kind: "state";
      readonly state: string;
      readonly own: readonly PrivateChanges[];
      readonly head: SyncHead;
      readonly isKnown: boolean;
      readonly binary?: BinaryState;
      readonly sights?: readonly SightChanges[];
      /** Whether clients have exactly what they see, if the state is known. */
      readonly isExact?: boolean;
      readonly inputs?: AppliedInputs;
    };

/** The last inputs that were applied, by the ids of the clients to tell. */
export type AppliedInputs = readonly (readonly [id: number, input: number])[];

/**
 * A message for one client. Numbered from 1 in each run of a shard, since a room that loses its memory may send it
 * twice.
 */
export type Mail =
  | {
      readonly kind: "mail";
      readonly id: number;
      readonly number: number;
      readonly text: string;
      /** A binary frame in place of the text, which is empty then. Only for shards that say that they take it. */
      readonly frame?: Uint8Array<ArrayBuffer>;
    }
  | {
      readonly kind: "close";
      readonly id: number;
      readonly number: number;
      readonly code: number;
      readonly reason: string;
    };

/** The first packet of one client. */
export interface Welcome {
  readonly id: number;
  readonly publicId: string;
  readonly changes: readonly Placed[];
  /** For a client of protocol 2. */
  readonly head?: SyncHead;
  /** The changes that the client missed, as JSON. If set, the client gets them instead of the state. */
  readonly patch?: string;
  /** The same in the binary protocol, for clients that use it. */
  readonly blocks?: Uint8Array;
  /** The hash of the binary protocol's tables that the client has. */
  readonly tables?: string;
}

/** Items, in order. */
export interface Batch<T> {
  /** Identifies the sender's memory. A sender that lost its memory has a new life, and counts batches from 1 again. */
  readonly life: string;
  /** From 1. */
  readonly seq: number;
  /** The number of the oldest batch that was not acknowledged, or of this one if all earlier ones were. */
  readonly base: number;
  readonly items: readonly T[];
}

/**
 * The longest text for one client or from one, in characters. A call between objects is limited to 32 MiB, and a
 * character may take two bytes. A longer text would be sent again and again, until the room and the shard consider each
 * other lost.
 */
export const MAX_FRAME = 15_000_000;

/** The approximate size of an item in a call, in bytes. */
export function weightOf(item: ToRoom | ToShard): number {
  switch (item.kind) {
    case "message":
      return OVERHEAD + (typeof item.frame === "string" ? item.frame.length : item.frame.byteLength);
    case "mail":
      return OVERHEAD + item.text.length + (item.frame?.length ?? 0);
    case "packet":
      return OVERHEAD + item.text.length;
    case "sync":
      return (
        OVERHEAD +
        lengthOfPatch(item) +
        lengthOf(item.own) +
        lengthOfSights(item.sights) +
        (item.inputs?.length ?? 0) * INPUT
      );
    case "join":
      return OVERHEAD + lengthOf(item.knock);
    case "welcome":
      return item.to.reduce(
        (sum, welcome) => sum + lengthOfPatch(welcome) + lengthOf(welcome.changes),
        OVERHEAD + item.state.length + lengthOfBinary(item.binary) + lengthOfSights(item.sights),
      );
    case "state":
      return (
        OVERHEAD + item.state.length + lengthOfBinary(item.binary) + lengthOf(item.own) + lengthOfSights(item.sights)
      );
    case "attach":
      return OVERHEAD + lengthOf(item.value);
    default:
      return OVERHEAD;
  }
}
const OVERHEAD = 200;

function lengthOfPatch({ patch, blocks }: { readonly patch?: string | undefined; readonly blocks?: Uint8Array }) {
  return (patch?.length ?? 0) + (blocks?.length ?? 0);
}

function lengthOfBinary(state: BinaryState | undefined): number {
  return state ? state.blocks.length + state.tables.length : 0;
}

function lengthOfSights(sights: readonly SightChanges[] = []): number {
  const viewers = sights.reduce((sum, each) => sum + each.viewers.length, 0);
  return sights.reduce((sum, { patch, places }) => sum + patch.length + places.length, viewers * VIEWER);
}
/** The approximate size of a viewer, in bytes. */
const VIEWER = 100;

/** The approximate size of an applied input, in bytes. */
const INPUT = 30;

/** The length of a plain value as JSON. */
function lengthOf(value: unknown): number {
  return Array.isArray(value) && value.length === 0 ? 0 : (JSON.stringify(value)?.length ?? 0);
}

/**
 * ok: the batch was handled, now or earlier. gap: an earlier batch is missing. unknown: the receiver does not know the
 * sender.
 */
export interface Receipt {
  readonly verdict: "ok" | "gap" | "unknown";
  /** The shard woke up, and asks for the state of its clients. */
  readonly wantsState?: boolean;
  /** Whether it holds packets back until then. Earlier versions do not say. */
  readonly isHolding?: boolean;
  /** The minimum time between two batches that the room asks for, since it has many shards, in ms. */
  readonly spacing?: number;
}

/** A batch of a shard. */
export interface ShardBatch extends Batch<ToRoom> {
  readonly shardId: string;
  /** Identifies the time from the shard's start until a crash. Hibernation does not end it. */
  readonly run: string;
}

/** A batch for a shard. */
export interface RoomBatch extends Batch<ToShard> {
  /** The run of the shard that it is meant for. Ids of clients have no meaning in another run. */
  readonly run: string;
  /**
   * Identifies the room's memory. Once the room has asked for the clients, a shard ignores batches of earlier memories.
   */
  readonly boot: string;
}

/** One client of a shard: either joined, with the room's attachment, or waiting to join. */
export type RosterEntry =
  | { readonly id: number; readonly attachment: unknown; readonly isOpen: boolean }
  | { readonly id: number; readonly knock: JoinAttempt };

/** A shard's answer to a room that asks for its clients. */
export interface Introduction {
  readonly run: string;
  readonly roster: readonly RosterEntry[];
  readonly wantsState: boolean;
  /** The number of the last mail that arrived. 0 if the shard does not remember one. */
  readonly mailed: number;
  /** Whether it supports {@link SightChanges}. Earlier versions do not send it, and get the changes for each client. */
  readonly takesSights?: boolean;
  /** Whether it also supports rings, and chooses the nearest entries for each client. */
  readonly takesRings?: boolean;
  /** Whether its clients may use the binary protocol. Clients of earlier versions get JSON. */
  readonly takesBinary?: boolean;
  /** Whether {@link Mail} may be a binary frame. */
  readonly takesFrames?: boolean;
}

/** How a room reaches its shards. Clients cannot use it: these are calls between objects. */
export interface Shards {
  /** @param boot identifies the room's memory @returns undefined if the shard holds no clients of the room */
  introduce(shardId: string, boot: string): Promise<Introduction | undefined>;
  deliver(shardId: string, batch: RoomBatch): Promise<Receipt>;
}
