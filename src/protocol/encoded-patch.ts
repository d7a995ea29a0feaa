import { cleanPatch } from "./clean-patch.ts";
import { withText } from "./binary/frame-text.ts";
import { written } from "./binary/bytes.ts";
import type { ByteWriter } from "./binary/bytes.ts";
import { withInputSection, writeSyncHead } from "./binary/frames.ts";
import { syncStart, withInput } from "./packets.ts";
import type { PatchHead } from "./packets.ts";

/** A patch in both forms, each made when a client needs it. */
export interface PatchForms {
  /** The sync packet with the patch as JSON. @param start the text before the patch. A brace follows the patch */
  packet(start: string): string;
  /**
   * Writes the patch as blocks of the binary protocol, without those for everyone. Without it, clients of that protocol
   * get JSON too.
   */
  readonly write?: ((out: ByteWriter) => void) | undefined;
}

/** The forms of a patch that is the same for all clients that get it. */
export interface SharedForms extends PatchForms {
  /** The patch as JSON. */
  json(): string;
}

/**
 * @param encode returns the patch as JSON. Called once
 * @param write writes what follows the blocks of the patch for everyone
 */
export function sharedForms(encode: () => string, write: PatchForms["write"] = () => {}): SharedForms {
  let made: string | undefined;
  const json = () => (made ??= encode());
  return { json, packet: (start) => `${start}${json()}}`, write };
}

/** A patch without changes. */
export const NO_CHANGE = sharedForms(() => "{}");

/** What the packets of one window have in common. */
export interface PatchEnvelope {
  /** The number of the packets. 0 for packets without a number. */
  readonly seq: number;
  /** For clients that number packets. */
  readonly head: PatchHead | undefined;
  /** The text before a patch for these clients. */
  readonly start: string;
  /** The patch for everyone, as blocks of the binary protocol. */
  readonly blocks: Uint8Array | undefined;
}

/** @param given without a number and a tick, there is no head @param blocks the patch for everyone */
export function envelopeOf(given: PatchHead, blocks?: Uint8Array): PatchEnvelope {
  const { seq = 0, tick } = given;
  const head = seq || tick ? given : undefined;
  return { seq, head, start: syncStart(head), blocks };
}

const PLAIN_START = syncStart(undefined);

/** A patch in the form of each protocol. Each form is made once. */
export class EncodedPatch {
  readonly #forms: PatchForms;
  readonly #envelope: PatchEnvelope;
  #plain: string | undefined;
  #numbered: string | undefined;
  #binary: Uint8Array<ArrayBuffer> | undefined;

  constructor(forms: PatchForms, envelope: PatchEnvelope) {
    this.#forms = forms;
    this.#envelope = envelope;
  }

  /** 0 for a patch without a number. */
  get seq(): number {
    return this.#envelope.seq;
  }

  /** @param input the last applied input of the client, if it has to be sent */
  for(protocol: number, input?: number): string | Uint8Array<ArrayBuffer> {
    if (protocol === 1) return (this.#plain ??= this.#forms.packet(PLAIN_START));
    const text = () => (input === undefined ? this.#json() : withInput(this.#json(), input));
    if (protocol === 2 || !this.#forms.write) return text();
    const frame = (this.#binary ??= this.#frame());
    return input === undefined ? frame : withText(withInputSection(frame, input), text);
  }

  #frame(): Uint8Array<ArrayBuffer> {
    const { head, blocks } = this.#envelope;
    const frame = written((out) => {
      writeSyncHead(out, head);
      if (blocks) out.bytes(blocks);
      this.#forms.write?.(out);
    });
    return withText(frame, () => this.#json());
  }

  #json(): string {
    return (this.#numbered ??= cleanPatch(this.#forms.packet(this.#envelope.start)));
  }
}
