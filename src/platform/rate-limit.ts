/** How many messages a connection may send in a time. */
export interface RateLimit {
  readonly messages: number;
  /** ms */
  readonly per: number;
}

export type RateVerdict = "pass" | "refuse" | "close";

/**
 * A token bucket: a connection may send `messages` at once, and as many again every `per` ms. Who goes on
 * regardless, for as many messages once more, is closed.
 * https://en.wikipedia.org/wiki/Token_bucket
 */
export class TokenBucket {
  readonly #limit: RateLimit;
  #tokens: number;
  #filledAt: number;

  constructor(limit: RateLimit, now: number) {
    this.#limit = limit;
    this.#tokens = limit.messages;
    this.#filledAt = now;
  }

  take(now: number): RateVerdict {
    const { messages, per } = this.#limit;
    // A clock that is set back takes nothing away.
    const elapsed = Math.max(now - this.#filledAt, 0);
    this.#tokens = Math.min(messages, this.#tokens + (elapsed / per) * messages);
    this.#filledAt = now;
    this.#tokens -= 1;
    if (this.#tokens >= 0) return "pass";
    // Within half a message: what trickles in meanwhile buys no more refusals.
    return this.#tokens < 0.5 - messages ? "close" : "refuse";
  }
}
