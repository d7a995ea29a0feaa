import type { SentFrame } from "../../platform/ports.ts";
import { inSteps } from "../../protocol/clean-patch.ts";
import type { Steps } from "../../protocol/clean-patch.ts";
import { withText } from "../../protocol/binary/frame-text.ts";
import { encodeSync, encodeWelcome } from "../../protocol/packets.ts";
import type { SyncHead } from "../../protocol/packets.ts";
import type { Welcome } from "../../relay/messages.ts";
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

  welcomeOf(conn: RoomConnection): Welcome {
    const { changeClock, views } = this.#scope;
    views.remember(conn);
    const { publicId, remote, since } = conn;
    const base = { id: remote?.id ?? 0, publicId, ...(conn.wire && { tables: conn.wire.tables }) };
    if (conn.protocol === 1 || conn.isIntercepted) return { ...base, changes: views.privateState(conn) };
    changeClock.use();
    const own = { ...this.own, ...this.inputOf(conn) };
    const from = since && changeClock.resumesFrom(since, publicId);
    if (!since || from === undefined) {
      const head: SyncHead = { ...changeClock.head, ...(since && { reset: true }), ...own };
      return { ...base, changes: views.privateState(conn), head };
    }
    const missed = changeClock.missed(from);
    const merged = merge(missed.patch, views.privateSince(conn, from, missed.gone));
    const { clear, value }: Steps = conn.clears ? inSteps(merged) : { value: merged };
    const patch = JSON.stringify(value);
    const head = {
      clear,
      ...changeClock.resumedHead(since, from, publicId),
      ...(conn.isBehind && { from }),
      ...own,
    };
    const welcome = { ...base, changes: views.privateInSights(conn), head, patch };
    return remote && conn.protocol === 3 ? { ...welcome, blocks: this.#binary.resumed(conn, patch, clear) } : welcome;
  }

  frameFor(conn: RoomConnection): SentFrame {
    const { head, patch } = this.welcomeOf(conn);
    const { publicId, protocol } = conn;
    const text = patch ?? this.#scope.views.textFor(conn);
    const encode = () => (patch === undefined ? encodeWelcome(publicId, text, head) : encodeSync(patch, head));
    if (!head || protocol !== 3) return encode();
    return withText(this.#binary.first(conn, head, patch === undefined ? publicId : undefined, text), encode);
  }

  /** The parts that only first packets have. */
  get own(): Pick<SyncHead, "batch" | "tick" | "hz"> {
    const { ticker } = this.#scope;
    return { batch: this.#batch, ...(ticker && { tick: ticker.number, hz: ticker.hz }) };
  }

  inputOf(conn: RoomConnection): Pick<SyncHead, "input"> {
    const input = this.#scope.inputs?.lastOf(conn);
    return input === undefined ? {} : { input };
  }
}
