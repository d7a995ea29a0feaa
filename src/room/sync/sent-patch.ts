import type { SentFrame } from "../../platform/ports.ts";
import { withText } from "../../protocol/binary/frame-text.ts";
import { writeSyncFrame } from "../../protocol/binary/frames.ts";
import type { BinaryHead } from "../../protocol/binary/frames.ts";
import { EncodedPatch } from "../../protocol/packets.ts";
import type { PatchFrames, Protocol } from "../connections/connection.ts";

/** A patch in both of its forms. */
export interface PatchForms {
  /** As JSON. */
  text(): string;
  /** As blocks of the binary protocol. */
  blocks(): Uint8Array;
}

/** A patch as clients of each protocol get it, each made once. */
export class SentPatch implements PatchFrames {
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
