import type { Failures } from "../../platform/ports.ts";
import type { RoomListing } from "./report.ts";

/** The listing of a room in a service without Worlds, which does nothing. */
export class NoListing implements RoomListing {
  readonly #failures: Failures;

  constructor(failures: Failures) {
    this.#failures = failures;
  }

  set(): void {
    const problem = "setListing: this service has no Worlds. Add world: worlds() to createRooms";
    this.#failures.failed("listing_failed", new Error(problem));
  }

  read(): null {
    return null;
  }

  load(): void {}
  async withdraw(): Promise<void> {}
}
