import { TokenBucket } from "./client-limits.ts";
import type { RateLimit } from "./client-limits.ts";

/** The number of networks that are remembered. The one that was quiet for longest is forgotten first. */
export const MOST_NETWORKS = 10_000;

interface Network {
  readonly bucket: TokenBucket;
  /** Requests before this time are refused without being counted, so that a flood does not prolong its own refusal. */
  refusedUntil: number;
}

/** Limits how often one client address may do something. In memory only. */
export class AddressLimit {
  readonly #limit: RateLimit;
  readonly #networks = new Map<string, Network>();

  constructor(limit: RateLimit) {
    this.#limit = limit;
  }

  /**
   * Counts a request.
   * @param headers the headers of the request. Cloudflare writes the client's address into them, whatever the client
   * sent. A request without an address comes from another object or from a development server, and is not counted.
   * @returns 0 if the request may pass, or after how many ms to try again
   */
  wait(headers: Headers, now: number): number {
    const address = headers.get("cf-connecting-ip");
    if (address === null) return 0;
    const network = this.#network(networkOf(address), now);
    if (now < network.refusedUntil) return network.refusedUntil - now;
    if (network.bucket.take(now) === "pass") return 0;
    const { messages, per } = this.#limit;
    network.refusedUntil = now + per / messages;
    return per / messages;
  }

  /** How many networks are remembered. @internal */
  get size(): number {
    return this.#networks.size;
  }

  #network(name: string, now: number): Network {
    const network = this.#networks.get(name) ?? { bucket: new TokenBucket(this.#limit, now), refusedUntil: 0 };
    // Setting it again moves it to the end of the order.
    this.#networks.delete(name);
    this.#networks.set(name, network);
    const [quietest] = this.#networks.keys();
    if (this.#networks.size > MOST_NETWORKS && quietest !== undefined) this.#networks.delete(quietest);
    return network;
  }
}

/** The network of an address: an IPv6 client may use another address in its /64 network for each request. */
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
