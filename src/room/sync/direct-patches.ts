import type { SentFrame } from "../../platform/ports.ts";
import { withText } from "../../protocol/binary/frame-text.ts";
import { writeSyncFrame } from "../../protocol/binary/frames.ts";
import type { BinaryHead } from "../../protocol/binary/frames.ts";
import { EncodedPatch, encodeSync } from "../../protocol/packets.ts";
import type { Plain } from "../../protocol/values.ts";
import { merge } from "../../state/merge.ts";
import type { Tree } from "../../state/tree.ts";
import type { PatchFrames, Protocol, RoomConnection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import type { BinaryPatches } from "./binary-patches.ts";
import { groupsOf } from "./views.ts";
import type { ViewerGroup } from "./views.ts";

/** What is to be sent after a window. */
interface Sent {
  /** The patch for everyone, if there is one. */
  readonly shared: Readonly<Plain> | undefined;
  readonly seq: number;
  readonly mark: number | undefined;
  readonly viewerGroups: readonly ViewerGroup[];
}

/** Sends patches to the connections of the room's own object. Those who are told the same get the same frame. */
export class DirectPatches {
  readonly #tree: Tree;
  readonly #connections: Connections;
  readonly #binary: BinaryPatches;

  constructor(tree: Tree, connections: Connections, binary: BinaryPatches) {
    this.#tree = tree;
    this.#connections = connections;
    this.#binary = binary;
  }

  send({ shared, seq, mark, viewerGroups }: Sent): void {
    const { direct } = this.#connections;
    const { crowd } = this.#tree;
    const blocks = this.#binary.shared(shared, direct);
    const ofAll = shared && once(() => JSON.stringify(shared));
    const make = (forms: PatchForms) => new SentPatch(forms, seq, mark);
    const forAll = ofAll && make({ text: ofAll, blocks: () => [blocks()] });
    const groupOf = viewerGroups.length > 0 ? groupsOf(viewerGroups) : undefined;
    const byGroup = new Map<ViewerGroup, SentPatch>();
    const encode = crowd?.encoder(shared, ofAll, (text, changes, seen) => {
      const others = () => {
        const own = changes();
        return own.length > 0 ? this.#binary.merged(merge(shared, own)) : blocks();
      };
      return make({ text, blocks: () => [others(), seen()] });
    });
    for (const conn of direct) {
      const group = groupOf?.get(conn);
      const parts = crowd?.partsOf(conn) ?? [];
      let patch = group ? byGroup.get(group) : forAll;
      if (parts.length > 0) patch = encode?.(conn, parts, group?.changes ?? []);
      else if (group && !patch) {
        const merged = once(() => merge(shared, group.changes));
        const forms = { text: () => JSON.stringify(merged()), blocks: () => [this.#binary.merged(merged())] };
        byGroup.set(group, (patch = make(forms)));
      }
      if (parts.length > 0 && conn.protocol === 3 && !conn.isIntercepted)
        this.#sendTables(conn, crowd?.tablesFor(conn, parts));
      if (patch) conn.sendPatch(patch);
    }
  }

  /** Packets of several connections may be the same, so tables have one of their own. */
  #sendTables(conn: RoomConnection, tables: Uint8Array | undefined): void {
    if (tables && conn.phase === "open") conn.deliver(withText(writeSyncFrame({}, tables), () => encodeSync("{}")));
  }
}

/** Makes something when it is asked for first. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** A patch in both of its forms. */
interface PatchForms {
  /** As JSON. */
  text(): string;
  /** As blocks of the binary protocol. */
  blocks(): readonly Uint8Array[];
}

/** A patch as clients of each protocol get it, each made once. */
class SentPatch implements PatchFrames {
  readonly #forms: PatchForms;
  readonly #seq: number;
  readonly #mark: number | undefined;
  #encoded: EncodedPatch | undefined;
  #binary: Uint8Array<ArrayBuffer> | undefined;

  /** @param seq its number; 0 if it has none @param mark what clients are to be told of storage */
  constructor(forms: PatchForms, seq: number, mark: number | undefined) {
    this.#forms = forms;
    this.#seq = seq;
    this.#mark = mark;
  }

  for(protocol: Protocol): SentFrame {
    if (protocol !== 3)
      return (this.#encoded ??= new EncodedPatch(this.#forms.text(), this.#seq, this.#mark)).for(protocol);
    const head: BinaryHead =
      this.#seq === 0 ? {} : { seq: this.#seq, ...(this.#mark !== undefined && { mark: this.#mark }) };
    return (this.#binary ??= withText(writeSyncFrame(head, ...this.#forms.blocks()), () => this.for(2) as string));
  }
}
