import type { RateLimit } from "./client-limits.ts";

/** The rounding error of a time, in ms. */
const TINY = 0.001;

/**
 * Limits how often each user may do one thing: `messages` at once, and as many again every `per` ms, evenly. Refused
 * calls are not counted. In memory only. https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
 */
export class UserRate {
  readonly #limit: RateLimit;
  /** When each user has the full allowance again. The user who was last active is at the end. */
  readonly #freeAt = new Map<string, number>();

  constructor(limit: RateLimit) {
    this.#limit = limit;
  }

  /** Counts a call, unless it exceeds the limit. @returns whether it is allowed */
  take(user: string, now: number): boolean {
    const { messages, per } = this.#limit;
    const freeAt = this.#freeAt.get(user) ?? 0;
    // It can be later only if the clock was set back.
    const from = freeAt > now + per + TINY ? now : Math.max(freeAt, now);
    const each = per / messages;
    if (from + each > now + per + TINY) return false;
    this.#freeAt.delete(user);
    this.#freeAt.set(user, from + each);
    for (const [other, at] of this.#freeAt) {
      if (at > now) break;
      this.#freeAt.delete(other);
    }
    return true;
  }
}
