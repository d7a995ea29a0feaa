import { TokenBucket } from "../platform/client-limits.ts";
import type { WorldSettings } from "./settings.ts";

/** Addresses that are remembered. The one that was quiet for longest is forgotten first. */
const MOST_ADDRESSES = 10_000;

interface Visitor {
  readonly bucket: TokenBucket;
  /** Until then it is refused without another look, so that a flood does not add to its own debt. */
  refusedUntil: number;
}

/** How often each client address asks a World for a shard. In memory only. */
export class Visitors {
  readonly #rate: WorldSettings["connectRate"];
  readonly #visitors = new Map<string, Visitor>();

  constructor(rate: WorldSettings["connectRate"]) {
    this.#rate = rate;
  }

  /**
   * Counts a request.
   * @param address as Cloudflare tells it, or null: whoever comes without is no outsider, and is not counted
   * @returns in how many ms to ask again; 0 if the request may pass
   */
  wait(address: string | null, now: number): number {
    if (address === null) return 0;
    const visitor = this.#visitor(networkOf(address), now);
    if (now < visitor.refusedUntil) return visitor.refusedUntil - now;
    if (visitor.bucket.take(now) === "pass") return 0;
    const { requests, per } = this.#rate;
    visitor.refusedUntil = now + per / requests;
    return per / requests;
  }

  #visitor(network: string, now: number): Visitor {
    const { requests: messages, per } = this.#rate;
    const visitor = this.#visitors.get(network) ?? {
      bucket: new TokenBucket({ messages, per }, now),
      refusedUntil: 0,
    };
    // Set anew, it is the last in order.
    this.#visitors.delete(network);
    this.#visitors.set(network, visitor);
    const [quietest] = this.#visitors.keys();
    if (this.#visitors.size > MOST_ADDRESSES && quietest !== undefined) this.#visitors.delete(quietest);
    return visitor;
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
