import type { Link } from "./link.ts";
import type { Receipt } from "./relay.ts";
import type { RoomLinks } from "./room-links.ts";

/** The links of a room whose service has no shards. */
export class NoLinks implements RoomLinks {
  readonly size = 0;
  readonly didSleep = false;
  readonly isSettled = true;
  readonly isUnsaved = false;

  all(): Iterable<Link> {
    return [];
  }

  async relay(): Promise<Receipt> {
    return { verdict: "unknown" };
  }

  async learn(): Promise<void> {}
  load(): void {}
  tellState(): void {}
  write(): void {}
  saved(): void {}
}
