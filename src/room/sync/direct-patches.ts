import type { SentFrame } from "../../platform/ports.ts";
import { withText } from "../../protocol/binary/frame-text.ts";
import { writeSyncFrame } from "../../protocol/binary/frames.ts";
import type { BinaryHead } from "../../protocol/binary/frames.ts";
import { EncodedPatch } from "../../protocol/packets.ts";
import type { Plain } from "../../protocol/values.ts";
import { merge } from "../../state/merge.ts";
import type { Tree } from "../../state/tree.ts";
import type { PatchFrames, Protocol } from "../connections/connection.ts";
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
    const make = (text: () => string, patch: () => Readonly<Plain>) =>
      new SentPatch({ text, blocks: () => this.#binary.merged(patch()) }, seq, mark);
    const forAll = ofAll && new SentPatch({ text: ofAll, blocks }, seq, mark);
    const groupOf = viewerGroups.length > 0 ? groupsOf(viewerGroups) : undefined;
    const byGroup = new Map<ViewerGroup, SentPatch>();
    const encode = crowd?.encoder(shared, ofAll, make);
    for (const conn of direct) {
      const group = groupOf?.get(conn);
      const parts = crowd?.partsOf(conn) ?? [];
      let patch = group ? byGroup.get(group) : forAll;
      if (parts.length > 0) patch = encode?.(conn, parts, group?.changes ?? []);
      else if (group && !patch) {
        const merged = once(() => merge(shared, group.changes));
        byGroup.set(group, (patch = make(() => JSON.stringify(merged()), merged)));
      }
      if (patch) conn.sendPatch(patch);
    }
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
  blocks(): Uint8Array;
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
    return (this.#binary ??= withText(writeSyncFrame(head, this.#forms.blocks()), () => this.for(2) as string));
  }
}
