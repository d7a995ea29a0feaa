import { writeJson } from "../../protocol/binary/blocks.ts";
import type { ByteWriter } from "../../protocol/binary/bytes.ts";
import { withText } from "../../protocol/binary/frame-text.ts";
import { writeSyncFrame } from "../../protocol/binary/frames.ts";
import { blocksOf, EncodedPatch } from "../../protocol/encoded-patch.ts";
import { encodeSync } from "../../protocol/packets.ts";
import type { PatchHead } from "../../protocol/packets.ts";
import type { Plain } from "../../protocol/values.ts";
import { addition, merge } from "../../state/merge.ts";
import type { Tree } from "../../state/tree.ts";
import type { RoomConnection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import { groupsOf } from "./views.ts";
import type { ViewerGroup } from "./views.ts";

/** The changes of a window. */
interface Sent {
  /** The patch for everyone, if any. */
  readonly shared: Readonly<Plain> | undefined;
  /** The same in the binary protocol, if there are readers. */
  readonly blocks: Uint8Array | undefined;
  readonly head: PatchHead;
  readonly viewerGroups: readonly ViewerGroup[];
}

/** Sends patches to the local connections of the room. Connections with equal changes share a frame. */
export class DirectPatches {
  readonly #tree: Tree;
  readonly #connections: Connections;

  constructor(tree: Tree, connections: Connections) {
    this.#tree = tree;
    this.#connections = connections;
  }

  send({ shared, blocks, head, viewerGroups }: Sent): void {
    const { crowd } = this.#tree;
    const { answered } = this.#connections;
    const text = shared && once(() => JSON.stringify(shared));
    const make = (json: () => string, more?: (out: ByteWriter) => void) =>
      new EncodedPatch({ text: json, blocks: blocksOf(blocks, more) }, head);
    const forAll = text && make(text);
    const groupOf = viewerGroups.length > 0 ? groupsOf(viewerGroups) : undefined;
    const byGroup = new Map<ViewerGroup, EncodedPatch>();
    const encode = crowd?.encoder(shared, text, make);
    for (const conn of this.#connections.direct) {
      if (crowd && conn.phase !== "open") continue;
      const group = groupOf?.get(conn);
      const parts = crowd?.partsOf(conn) ?? [];
      let patch = group ? byGroup.get(group) : forAll;
      if (parts.length > 0) patch = encode?.(conn, parts, group?.changes ?? []);
      else if (group && !patch) {
        const { changes } = group;
        const whole = () => JSON.stringify(merge(shared, changes));
        byGroup.set(group, (patch = make(whole, (out) => writeJson(out, addition(shared, changes)))));
      }
      if (parts.length > 0 && conn.protocol === 3 && !conn.isIntercepted)
        this.#sendTables(conn, crowd?.tablesFor(conn, parts));
      if (!patch) continue;
      conn.sendPatch(patch, answered.get(conn));
      answered.delete(conn);
    }
    const nothing = make(() => "{}");
    for (const [conn, input] of answered) if (!conn.remote) conn.sendPatch(nothing, input);
  }

  /** Tables are sent in a packet of their own, because connections share packets. */
  #sendTables(conn: RoomConnection, tables: Uint8Array | undefined): void {
    if (tables) conn.deliver(withText(writeSyncFrame({}, tables), () => encodeSync("{}")));
  }
}

/** Caches the result of the first call. */
function once(make: () => string): () => string {
  let made: string | undefined;
  return () => (made ??= make());
}
