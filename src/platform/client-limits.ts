import { RoomError } from "../protocol/errors.ts";
import { bytesOf } from "../protocol/text-size.ts";
import type { WaitingLimits } from "./waiting-budget.ts";

/** How many messages a connection may send in a time. */
export interface RateLimit {
  readonly messages: number;
  /** ms */
  readonly per: number;
}

/** What one client may send. */
export interface ClientLimits {
  readonly maxMessageBytes: number;
  readonly rateLimit: RateLimit;
}

/** A client whose messages are counted. */
export interface LimitedClient {
  /** Undefined until the client sends its first message, or if another object counts its messages. */
  bucket: TokenBucket | undefined;
}

/** Why a message is refused, and whether its sender is closed for it. */
export interface MessageRefusal {
  readonly error: RoomError;
  readonly closes: boolean;
}

type RateVerdict = "pass" | "refuse" | "close";

/**
 * A token bucket: a connection may send `messages` at once, and as many again every `per` ms. A client that continues
 * is closed after as many refused messages again. https://en.wikipedia.org/wiki/Token_bucket
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
    // If the clock was set back, no tokens are lost.
    const elapsed = Math.max(now - this.#filledAt, 0);
    this.#tokens = Math.min(messages, this.#tokens + (elapsed / per) * messages);
    this.#filledAt = now;
    this.#tokens -= 1;
    if (this.#tokens >= 0) return "pass";
    // Half a message of tolerance, so that tokens that trickle in meanwhile do not allow more refusals.
    return this.#tokens < 0.5 - messages ? "close" : "refuse";
  }
}

/**
 * Checks the size of a message, and counts it.
 * @param isCounted whether to count it: a shard has already counted the messages that it forwards to a room
 * @returns undefined if the message may be handled
 */
export function refuseMessage(
  client: LimitedClient,
  frame: string | ArrayBuffer,
  { maxMessageBytes, rateLimit }: ClientLimits,
  now: number,
  isCounted = true,
): MessageRefusal | undefined {
  if (isTooLarge(frame, maxMessageBytes)) {
    return { error: new RoomError("message_too_large", "The message is too large"), closes: true };
  }
  if (!isCounted) return undefined;
  const verdict = (client.bucket ??= new TokenBucket(rateLimit, now)).take(now);
  if (verdict === "pass") return undefined;
  return { error: new RoomError("rate_limited", "Too many messages"), closes: verdict === "close" };
}

/** The maximum size of messages that wait for a handler or for the join, in characters. */
export const MAX_WAITING: WaitingLimits = { client: 2_000_000, user: 4_000_000, all: 8_000_000 };

/** The size of a waiting frame, in characters or bytes, which needs no computation. */
export function sizeOf(frame: string | ArrayBuffer): number {
  return typeof frame === "string" ? frame.length : frame.byteLength;
}

function isTooLarge(frame: string | ArrayBuffer, limit: number): boolean {
  // A UTF-16 unit takes at most three bytes, so most messages need no counting.
  if (typeof frame === "string" && frame.length * 3 <= limit) return false;
  return bytesOf(frame) > limit;
}
