import type { Failures } from "../../platform/ports.ts";
import type { RoomListing } from "./report.ts";

/** The listing of a room in a service without Worlds, which does nothing. */
export class NoListing implements RoomListing {
  readonly #failures: Failures;

  constructor(failures: Failures) {
    this.#failures = failures;
  }

  set(): void {
    const problem = 'Add world: worlds() to createRooms, and import { worlds } from "durable-rooms/worlds"';
    this.#failures.failed("listing_failed", new Error(`setListing: this service has no Worlds. ${problem}`));
  }

  read(): null {
    return null;
  }

  load(): void {}
  async withdraw(): Promise<void> {}
}
