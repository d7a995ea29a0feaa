import { cleanPatch } from "./clean-patch.ts";
import { withText } from "./binary/frame-text.ts";
import { written } from "./binary/bytes.ts";
import type { ByteWriter } from "./binary/bytes.ts";
import { withInputSection, writeSyncHead } from "./binary/frames.ts";
import { encodeSync, withInput } from "./packets.ts";
import type { PatchHead } from "./packets.ts";

/** A patch in both forms, each made when a client needs it. */
interface PatchForms {
  /** As JSON. */
  readonly text: () => string;
  /** Writes the patch as blocks of the binary protocol. Without it, clients of that protocol get JSON too. */
  readonly blocks: ((out: ByteWriter) => void) | undefined;
}

/** A patch in the form of each protocol. Each form is made once. */
export class EncodedPatch {
  readonly #forms: PatchForms;
  /** 0 for a patch without a number. */
  readonly seq: number;
  readonly #head: PatchHead | undefined;
  #text: string | undefined;
  #plain: string | undefined;
  #numbered: string | undefined;
  #binary: Uint8Array<ArrayBuffer> | undefined;

  /** @param head the head for clients that number packets */
  constructor(forms: PatchForms, head: PatchHead = {}) {
    this.#forms = forms;
    this.seq = head.seq ?? 0;
    this.#head = (head.seq ?? head.tick) === undefined ? undefined : head;
  }

  /** @param input the last applied input of the client, if it has to be sent */
  for(protocol: number, input?: number): string | Uint8Array<ArrayBuffer> {
    const { blocks } = this.#forms;
    if (protocol === 3 && blocks) {
      const frame = (this.#binary ??= this.#frame(blocks));
      if (input === undefined) return frame;
      return withText(withInputSection(frame, input), () => withInput(this.#json(true), input));
    }
    const packet = this.#json(protocol !== 1);
    return input === undefined || protocol === 1 ? packet : withInput(packet, input);
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
}

/** Writes the blocks of a patch for all clients, if there is one, and then further blocks. */
export function blocksOf(
  ofAll: Uint8Array | undefined,
  more: ((out: ByteWriter) => void) | undefined,
): (out: ByteWriter) => void {
  if (more && !ofAll) return more;
  return (out) => {
    if (ofAll) out.bytes(ofAll);
    more?.(out);
  };
}
