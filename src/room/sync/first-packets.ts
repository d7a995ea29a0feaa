import type { SentFrame } from "../../platform/ports.ts";
import { inSteps } from "../../protocol/clean-patch.ts";
import { withText } from "../../protocol/binary/frame-text.ts";
import { encodeSync, encodeWelcome } from "../../protocol/packets.ts";
import type { SyncHead } from "../../protocol/packets.ts";
import type { AppliedInputs, Welcome } from "../../relay/messages.ts";
import { merge } from "../../state/merge.ts";
import type { Tree } from "../../state/tree.ts";
import type { RoomConnection } from "../connections/connection.ts";
import type { GroupState } from "../connections/remote-group.ts";
import type { BinaryPatches } from "./binary-patches.ts";
import type { ChangeClock } from "./change-clock.ts";
import type { Views } from "./views.ts";

/** What first packets need of the room. */
export interface FirstPacketsScope {
  readonly tree: Tree;
  readonly views: Views;
  readonly changeClock: ChangeClock;
  /** The number of the last tick, or 0, and how many there are in a second. Undefined in a room without ticks. */
  readonly ticker: { readonly number: number; readonly hz: number } | undefined;
  /** Knows which input of a client was applied last, if one was. Undefined in a room without inputs. */
  readonly inputs: { lastOf(conn: RoomConnection): number | undefined } | undefined;
}

/** Makes the first packet of a connection: the whole state that it may see, or what it missed. */
export class FirstPackets {
  readonly #scope: FirstPacketsScope;
  readonly #binary: BinaryPatches;
  readonly #batch: number;

  /** @param batch the most bytes of a frame with several messages */
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
    const own = { ...this.#own(), ...this.#inputOf(conn) };
    const from = since && changeClock.resumesFrom(since, publicId);
    if (!since || from === undefined) {
      const head: SyncHead = { ...changeClock.head, ...(since && { reset: true }), ...own };
      return { ...base, changes: views.privateState(conn), head };
    }
    const missed = changeClock.missed(from);
    const merged = merge(missed.patch, views.privateSince(conn, from, missed.gone));
    const { clear, value } = conn.clears ? inSteps(merged) : { clear: undefined, value: merged };
    const patch = JSON.stringify(value);
    const head = {
      ...(clear && { clear }),
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

  /** The state that connections at a shard have to have. */
  stateFor(conns: readonly RoomConnection[]): GroupState {
    const { changeClock, tree, views } = this.#scope;
    if (conns.some(({ protocol }) => protocol !== 1)) changeClock.use();
    const own = conns.map((conn) => ({ ids: idOf(conn), changes: views.privateState(conn) }));
    const inputs: AppliedInputs = conns.flatMap((conn) => {
      const { input } = this.#inputOf(conn);
      return input === undefined ? [] : idOf(conn).map((id) => [id, input] as const);
    });
    const state = tree.sharedText();
    return {
      state,
      binary: this.#binary.stateFor(conns, state),
      own: own.filter(({ changes }) => changes.length > 0),
      head: { ...changeClock.head, reset: true, ...this.#own() },
      ...(inputs.length > 0 && { inputs }),
    };
  }

  /** What only first packets say. */
  #own(): Pick<SyncHead, "batch" | "tick" | "hz"> {
    const { ticker } = this.#scope;
    return { batch: this.#batch, ...(ticker && { tick: ticker.number, hz: ticker.hz }) };
  }

  #inputOf(conn: RoomConnection): Pick<SyncHead, "input"> {
    const input = this.#scope.inputs?.lastOf(conn);
    return input === undefined ? {} : { input };
  }
}

/** The id of a connection at its shard, if it is at one. */
export function idOf({ remote }: RoomConnection): number[] {
  return remote ? [remote.id] : [];
}
