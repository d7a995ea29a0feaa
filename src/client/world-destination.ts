import { askWorld } from "./ask-world.ts";
import { ConnectError } from "./errors.ts";
import { isRefusal } from "./destination.ts";
import type { Destination } from "./destination.ts";

const UNKNOWN_SHARD = 4404;
const SHARD_FULL = 4503;
/** After this many failed attempts in a row the World is asked for another shard. */
const MOST_FAILURES = 2;

/**
 * A shard that a World assigns. It stays the same for reconnects, since it has the client's session at hand. The World is
 * asked for another one when the shard is unknown, full, or out of reach.
 */
export class WorldDestination implements Destination {
  readonly isFinal = (code: number): boolean => isRefusal(code) && code !== UNKNOWN_SHARD;
  readonly room: string;
  shard: string | undefined;
  readonly #url: string;
  #isOpen = false;
  #failures = 0;

  constructor(origin: string, worldId: string, room: string) {
    this.#url = `${origin}/parties/world/${encodeURIComponent(worldId)}/connect`;
    this.room = room;
  }

  async find(token: string | undefined, signal: AbortSignal): Promise<string> {
    this.shard ??= await this.#ask(token, signal);
    return `shard/${encodeURIComponent(this.shard)}`;
  }

  opened(): void {
    this.#isOpen = true;
    this.#failures = 0;
  }

  lost(code: number): boolean {
    // The end of a connection that was open is no failed attempt: the shard may well be there.
    if (!this.#isOpen) this.#failures++;
    this.#isOpen = false;
    const isGone = code === UNKNOWN_SHARD || code === SHARD_FULL;
    if (isGone || this.#failures >= MOST_FAILURES) {
      this.shard = undefined;
      this.#failures = 0;
    }
    return false;
  }

  async #ask(token: string | undefined, signal: AbortSignal): Promise<string> {
    const { url } = await askWorld(this.#url, { roomId: this.room, autoCreate: true }, token, signal);
    if (typeof url === "string") return url;
    throw new ConnectError("world_refused", "The World's answer has no shard", { status: 200 });
  }
}
