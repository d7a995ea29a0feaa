import { encodeSync } from "../protocol/packets.ts";

/** A patch as clients of each protocol get it, each made once. */
export class EncodedPatch {
  readonly #patch: string;
  readonly #seq: number;
  #plain: string | undefined;
  #numbered: string | undefined;

  /** @param patch as JSON @param seq its number; 0 if it has none */
  constructor(patch: string, seq: number) {
    this.#patch = patch;
    this.#seq = seq;
  }

  for(protocol: number | undefined): string {
    if (protocol !== 2 || this.#seq === 0) return (this.#plain ??= encodeSync(this.#patch));
    return (this.#numbered ??= encodeSync(this.#patch, { seq: this.#seq }));
  }
}
