import { TokenBucket } from "../platform/client-limits.ts";
import type { WorldSettings } from "./settings.ts";

/** Addresses that are remembered. The one that was quiet for longest is forgotten first. */
const MOST_ADDRESSES = 10_000;

interface Address {
  readonly bucket: TokenBucket;
  /** Until then it is refused without counting, so that a flood does not prolong its own refusal. */
  refusedUntil: number;
}

/** Limits how often each client address may ask a World for a shard or a room. In memory only. */
export class AddressRateLimit {
  readonly #rate: WorldSettings["connectRate"];
  readonly #addresses = new Map<string, Address>();

  constructor(rate: WorldSettings["connectRate"]) {
    this.#rate = rate;
  }

  /**
   * Counts a request.
   * @param address as Cloudflare names it; null is not counted: such a request comes from inside
   * @returns after how many ms to ask again; 0 if the request may pass
   */
  wait(address: string | null, now: number): number {
    if (address === null) return 0;
    const known = this.#address(networkOf(address), now);
    if (now < known.refusedUntil) return known.refusedUntil - now;
    if (known.bucket.take(now) === "pass") return 0;
    const { requests, per } = this.#rate;
    known.refusedUntil = now + per / requests;
    return per / requests;
  }

  #address(network: string, now: number): Address {
    const { requests: messages, per } = this.#rate;
    const known = this.#addresses.get(network) ?? {
      bucket: new TokenBucket({ messages, per }, now),
      refusedUntil: 0,
    };
    // Set anew, it is the last in order.
    this.#addresses.delete(network);
    this.#addresses.set(network, known);
    const [quietest] = this.#addresses.keys();
    if (this.#addresses.size > MOST_ADDRESSES && quietest !== undefined) this.#addresses.delete(quietest);
    return known;
  }
}

/** Of an IPv6 address the first 64 bits: the rest is its owner's to choose, and to change with each request. */
function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [head = [], tail] = address
    .toLowerCase()
    .split("::")
    .map((part) => part.split(":").filter(Boolean));
  // "::" stands for as many zeros as are missing.
  const zeros = Array.from({ length: tail ? Math.max(8 - head.length - tail.length, 0) : 0 }, () => "0");
  const groups = [...head, ...zeros, ...(tail ?? [])].slice(0, 4);
  return groups.map((group) => group.replace(/^0+(?=.)/, "")).join(":");
}
