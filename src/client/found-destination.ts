import { isRefusal } from "./destination.ts";
import type { Destination } from "./destination.ts";
import { given } from "./given.ts";
import type { Given } from "./options.ts";

const ROOM_FULL = 4503;

/**
 * A room that a function finds. Once the client has joined, the room stays the same, since it has the session. Before
 * that, another one is searched if it is full, since a World's data may be a second old.
 */
export class FoundDestination implements Destination {
  readonly isFinal = isRefusal;
  room: string | undefined;
  readonly #party: string;
  readonly #find: Given<string>;
  #isEntered = false;

  constructor(party: string, find: Given<string>) {
    this.#party = party;
    this.#find = find;
  }

  async find(): Promise<string> {
    this.room ??= await given("room", this.#find, roomId);
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
}

function roomId(room: unknown): string {
  if (room && typeof room === "string") return room;
  throw new TypeError(`${JSON.stringify(room)} is not an id`);
}
