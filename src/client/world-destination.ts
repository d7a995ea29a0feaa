import { askWorld } from "./ask-world.ts";
import { ConnectError } from "./errors.ts";
import { isRefusal } from "./destination.ts";
import type { Destination } from "./destination.ts";

const UNKNOWN_SHARD = 4404;
const SHARD_FULL = 4503;
/** After this many consecutive failed attempts, the World is asked for another shard. */
const MOST_FAILURES = 2;

/**
 * A shard that a World assigns. Reconnects use the same one, since it has the client's session. The World is asked for
 * another shard if it is unknown, full, or unreachable.
 */
export class WorldDestination implements Destination {
  readonly isFinal = (code: number): boolean => isRefusal(code) && code !== UNKNOWN_SHARD;
  readonly room: string;
  shard: string | undefined;
  readonly #url: string;
  #isOpen = false;
  #failures = 0;

  /** @param url the World's URL for connecting */
  constructor(url: string, room: string) {
    this.#url = url;
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
    // The end of an open connection is not a failed attempt: the shard may still be there.
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
    throw new ConnectError("world_refused", "The World named no shard", { status: 200 });
  }
}
