import type { SentFrame } from "../../platform/ports.ts";
import { inSteps } from "../../protocol/clean-patch.ts";
import type { Steps } from "../../protocol/clean-patch.ts";
import { withText } from "../../protocol/binary/frame-text.ts";
import { encodeSync, encodeWelcome } from "../../protocol/packets.ts";
import type { SyncHead } from "../../protocol/packets.ts";
import { merge } from "../../state/merge.ts";
import type { Tree } from "../../state/tree.ts";
import type { RoomConnection } from "../connections/connection.ts";
import type { BinaryPatches } from "./binary-patches.ts";
import type { ChangeClock } from "./change-clock.ts";
import type { Views } from "./views.ts";

/** The parts of the room that first packets need. */
export interface FirstPacketsScope {
  readonly tree: Tree;
  readonly views: Views;
  readonly changeClock: ChangeClock;
  /** The number of the last tick, or 0, and the ticks per second. Undefined in a room without ticks. */
  readonly ticker: { readonly number: number; readonly hz: number } | undefined;
  /** Knows the last applied input of a client, if any. Undefined in a room without inputs. */
  readonly inputs: { lastOf(conn: RoomConnection): number | undefined } | undefined;
}

/** The first packet of a connection. */
interface FirstPacket {
  /** Undefined in the first protocol. */
  readonly head?: SyncHead;
  /** What the client missed, as JSON. Undefined if it gets the whole state. */
  readonly patch?: string;
}

/** Makes the first packet of a connection: its whole visible state, or the changes that it missed. */
export class FirstPackets {
  readonly #scope: FirstPacketsScope;
  readonly #binary: BinaryPatches;
  readonly #batch: number;

  /** @param batch the maximum size of a frame with several messages, in bytes */
  constructor(scope: FirstPacketsScope, binary: BinaryPatches, batch: number) {
    this.#scope = scope;
    this.#binary = binary;
    this.#batch = batch;
  }

  /** The head of the first packet of a connection, and the changes that it missed. */
  packetOf(conn: RoomConnection): FirstPacket {
    const { changeClock, views } = this.#scope;
    views.remember(conn);
    const { publicId, since } = conn;
    if (conn.protocol === 1 || conn.isIntercepted) return {};
    changeClock.use();
    const own = { ...this.own, input: this.inputOf(conn) };
    const from = since && changeClock.resumesFrom(since, publicId);
    if (!since || from === undefined) return { head: { ...changeClock.head, reset: since && true, ...own } };
    const missed = changeClock.missed(from);
    const merged = merge(missed.patch, views.privateSince(conn, from, missed.gone));
    const { clear, value }: Steps = conn.clears ? inSteps(merged) : { value: merged };
    const resumed = changeClock.resumedHead(since, from, publicId);
    return { head: { clear, ...resumed, ...(conn.isBehind && { from }), ...own }, patch: JSON.stringify(value) };
  }

  frameFor(conn: RoomConnection): SentFrame {
    const { head, patch } = this.packetOf(conn);
    const { publicId, protocol } = conn;
    const text = patch ?? this.#scope.views.textFor(conn);
    const encode = () => (patch === undefined ? encodeWelcome(publicId, text, head) : encodeSync(patch, head));
    if (!head || protocol !== 3) return encode();
    return withText(this.#binary.first(conn, head, patch === undefined ? publicId : undefined, text), encode);
  }

  /** The parts that only first packets have. */
  get own(): Pick<SyncHead, "batch" | "tick" | "hz"> {
    const { ticker } = this.#scope;
    return { batch: this.#batch, tick: ticker?.number, hz: ticker?.hz };
  }

  inputOf(conn: RoomConnection): number | undefined {
    return this.#scope.inputs?.lastOf(conn);
  }
}
