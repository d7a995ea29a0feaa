import type { RemoteGroup, Remote } from "../connections/remote-group.ts";
import type { RoomSocket } from "../connections/remote-group.ts";

/** A shard adds its own to what a socket may carry (16,384 bytes). */
const MAX_ATTACHMENT = 14_000;

/** The way to the clients of one shard. */
export interface ShardLine extends RemoteGroup {
  /** A frame for one client. */
  mail(id: number, text: string): void;
  attach(id: number, value: unknown): void;
  hangUp(id: number, code: number, reason: string): void;
  /** The room takes a client in. */
  add(socket: RemoteSocket): void;
}

/** The socket of a client that a shard holds. */
export class RemoteSocket implements RoomSocket {
  readonly remote: Remote;
  /** The shard has accepted it. */
  readonly endsLate = true;
  isOpen = true;
  readonly #line: ShardLine;
  #attachment: unknown;

  /** @param id tells the shard's clients apart */
  constructor(line: ShardLine, id: number, attachment?: unknown) {
    this.remote = { group: line, id };
    this.#line = line;
    this.#attachment = attachment;
  }

  accept(): void {
    this.#line.add(this);
  }

  send(text: string): void {
    if (this.isOpen) this.#line.mail(this.remote.id, text);
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#line.hangUp(this.remote.id, code, reason);
  }

  attachment(): unknown {
    return this.#attachment;
  }

  attach(value: unknown): void {
    const text = JSON.stringify(value);
    if (new TextEncoder().encode(text).length > MAX_ATTACHMENT) throw new Error("The attachment is too large");
    this.#attachment = JSON.parse(text);
    this.#line.attach(this.remote.id, this.#attachment);
  }
}
