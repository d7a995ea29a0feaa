import { worldUrl } from "./address.ts";
import { askWorld } from "./ask-world.ts";
import { ConnectError } from "./errors.ts";
import { isRefusal } from "./destination.ts";
import type { Destination } from "./destination.ts";
import type { ShardOptions } from "./options.ts";

const UNKNOWN_SHARD = 4404;
const SHARD_FULL = 4503;
/** After this many consecutive failed attempts, the World is asked for another shard. */
const MOST_FAILURES = 2;

/** A room of a World. */
type WorldRoom = Pick<ShardOptions, "host" | "socket" | "worldId" | "room">;

/**
 * A shard that a World assigns. Reconnects use the same one, since it has the client's session. The World is asked for
 * another shard if it is unknown, full, or unreachable.
 */
export class WorldDestination implements Destination {
  readonly isFinal = (code: number): boolean => isRefusal(code) && code !== UNKNOWN_SHARD;
  readonly room: string;
  shard: string | undefined;
  readonly #options: WorldRoom;
  #isOpen = false;
  #failures = 0;

  constructor(options: WorldRoom) {
    this.#options = options;
    this.room = options.room;
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
    const route = worldUrl(this.#options, "connect");
    const { url } = await askWorld(route, { roomId: this.room, autoCreate: true }, token, signal);
    if (typeof url === "string") return url;
    throw new ConnectError("world_refused", "The World has no shard", { status: 200 });
  }
}
