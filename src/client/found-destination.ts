import { ConnectError } from "./errors.ts";
import { isRefusal } from "./destination.ts";
import type { Destination } from "./destination.ts";

const ROOM_FULL = 4503;

/**
 * A room that a function finds. Once the client was let in, the room stays the same, since it has the session. Until
 * then another one is looked for if it turns out to be full: what a World knows of its rooms may be a second old.
 */
export class FoundDestination implements Destination {
  readonly isFinal = isRefusal;
  room: string | undefined;
  readonly #party: string;
  readonly #find: () => string | Promise<string>;
  #isEntered = false;

  constructor(party: string, find: () => string | Promise<string>) {
    this.#party = party;
    this.#find = find;
  }

  async find(): Promise<string> {
    this.room ??= await this.#ask();
    return `${this.#party}/${encodeURIComponent(this.room)}`;
  }

  opened(): void {
    this.#isEntered = true;
  }

  lost(code: number): boolean {
    const isFull = code === ROOM_FULL && !this.#isEntered;
    if (isFull) this.room = undefined;
    return isFull;
  }

  async #ask(): Promise<string> {
    try {
      return await this.#find();
    } catch (thrown) {
      if (thrown instanceof ConnectError) throw thrown;
      throw new ConnectError("room_failed", `room() failed: ${(thrown as Error).message}`);
    }
  }
}
