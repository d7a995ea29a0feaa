import { EncodedPatch, envelopeOf, NO_CHANGE, sharedForms } from "../../protocol/encoded-patch.ts";
import type { PatchForms } from "../../protocol/encoded-patch.ts";
import type { PatchHead } from "../../protocol/packets.ts";
import type { Plain } from "../../protocol/values.ts";
import { mergedForms } from "../../state/merged-forms.ts";
import type { Tree } from "../../state/tree.ts";
import type { Connections } from "../connections/connections.ts";
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

const NOTHING: readonly never[] = [];

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
    const envelope = envelopeOf(head, blocks);
    const make = (forms: PatchForms) => new EncodedPatch(forms, envelope);
    const forms = shared && sharedForms(() => JSON.stringify(shared));
    const forAll = forms && make(forms);
    const ownOf = new Map(
      viewerGroups.flatMap(({ changes, conns }) => {
        const own = { changes, patch: make(mergedForms(shared, changes)) };
        return conns.map((conn) => [conn, own] as const);
      }),
    );
    const encode = crowd?.encoder(shared, forms, make);
    for (const conn of this.#connections.takeDirect()) {
      if (crowd && conn.phase !== "open") continue;
      const own = ownOf.get(conn);
      const parts = crowd?.partsOf(conn) ?? NOTHING;
      const patch = parts.length > 0 ? encode?.(conn, parts, own?.changes ?? NOTHING) : (own?.patch ?? forAll);
      const isBinary = conn.protocol === 3 && !conn.isIntercepted;
      const tables = isBinary && parts.length > 0 ? crowd?.tablesFor(conn, parts) : undefined;
      if (tables) conn.deliver(tables);
      if (!patch) continue;
      conn.sendPatch(patch, answered.get(conn));
      answered.delete(conn);
    }
    const nothing = make(NO_CHANGE);
    for (const [conn, input] of answered) if (!conn.remote) conn.sendPatch(nothing, input);
  }
}
