import { RoomError } from "../../protocol/errors.ts";

/** The maximum size of bodies whose requests are not answered yet, in bytes. */
const MAX_BODIES = 8_000_000;

/** Counts the bodies that a room holds while they are read, and while guards and handlers run. */
export class UnansweredBodies {
  #bytes = 0;

  /**
   * Counts the body of a request until it is answered. The limit is checked before it is added, so a single body may be
   * larger.
   * @param limit the bytes to count if the request has no content length
   * @throws RoomError `rate_limited` if bodies with too many bytes wait
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
