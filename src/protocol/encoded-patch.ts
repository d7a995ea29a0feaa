import { cleanPatch } from "./clean-patch.ts";
import { withText } from "./binary/frame-text.ts";
import { written } from "./binary/bytes.ts";
import type { ByteWriter } from "./binary/bytes.ts";
import { writeSyncHead } from "./binary/frames.ts";
import { encodeSync } from "./packets.ts";

/** A patch in both of its forms, made when a client needs them. */
interface PatchForms {
  /** As JSON. */
  readonly text: () => string;
  /** Writes it as blocks of the binary protocol. Without it, clients of that protocol get JSON too. */
  readonly blocks: ((out: ByteWriter) => void) | undefined;
}

/** A patch as clients of each protocol get it, each made once. */
export class EncodedPatch {
  readonly #forms: PatchForms;
  /** 0 if it has none. */
  readonly seq: number;
  readonly #mark: number | undefined;
  #text: string | undefined;
  #plain: string | undefined;
  #numbered: string | undefined;
  #binary: Uint8Array<ArrayBuffer> | undefined;

  /** @param seq its number; 0 if it has none @param mark what clients are to be told of storage */
  constructor(forms: PatchForms, seq: number, mark?: number) {
    this.#forms = forms;
    this.seq = seq;
    this.#mark = mark;
  }

  for(protocol: number): string | Uint8Array<ArrayBuffer> {
    const { blocks } = this.#forms;
    if (protocol === 3 && blocks) return (this.#binary ??= this.#frame(blocks));
    return this.#json(protocol !== 1);
  }

  #frame(blocks: (out: ByteWriter) => void): Uint8Array<ArrayBuffer> {
    const frame = written((out) => {
      writeSyncHead(out, this.#head);
      blocks(out);
    });
    return withText(frame, () => this.#json(true));
  }

  #json(isNumbered: boolean): string {
    const text = (this.#text ??= this.#forms.text());
    if (!isNumbered) return (this.#plain ??= encodeSync(text));
    const head = this.#head;
    return (this.#numbered ??= head ? encodeSync(text, head) : encodeSync(cleanPatch(text)));
  }

  get #head() {
    if (this.seq === 0) return undefined;
    return { seq: this.seq, ...(this.#mark !== undefined && { mark: this.#mark }) };
  }
}

/** Writes the blocks of a patch for everyone, if there is one, and then more. */
export function blocksOf(
  ofAll: Uint8Array | undefined,
  more: ((out: ByteWriter) => void) | undefined,
): (out: ByteWriter) => void {
  return (out) => {
    if (ofAll) out.bytes(ofAll);
    more?.(out);
  };
}
