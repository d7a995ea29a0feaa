import { RoomError } from "../../protocol/errors.ts";

/** Bytes of bodies whose requests are not answered yet. */
const MAX_BODIES = 16_000_000;

/** Counts the bodies that a room holds: while they come in, and while a guard or a handler takes its time. */
export class UnansweredBodies {
  #bytes = 0;

  /**
   * Counts the body of a request until it is answered. It is looked at only after the others, so a single one may be
   * larger than the limit.
   * @param limit its bytes at most, where it does not say how many it has
   * @throws RoomError `rate_limited` if too many wait
   */
  async during<T>({ headers }: Request, limit: number, answer: () => Promise<T>): Promise<T> {
    if (this.#bytes >= MAX_BODIES) throw new RoomError("rate_limited", "Too many requests wait to be answered");
    const stated = Number(headers.get("content-length") ?? limit);
    const bytes = stated >= 0 ? Math.min(stated, limit) : limit;
    this.#bytes += bytes;
    try {
      return await answer();
    } finally {
      this.#bytes -= bytes;
    }
  }
}
