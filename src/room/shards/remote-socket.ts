import type { RemoteGroup, Remote } from "../connections/remote-group.ts";
import { CODES } from "../../protocol/codes.ts";
import { MAX_FRAME } from "../../relay/messages.ts";
import type { RoomSocket } from "../connections/remote-group.ts";

/** A shard adds its own to what a socket may carry (16,384 bytes). */
const MAX_ATTACHMENT = 14_000;

/** The way to the clients of one shard. */
export interface ShardLine extends RemoteGroup {
  /** A frame for one client. */
  mail(socket: RemoteSocket, text: string): void;
  attach(id: number, value: unknown): void;
  discardMail(socket: RemoteSocket): void;
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

  /** @throws if it is more than a shard can be sent: then the client is closed */
  send(text: string): void {
    if (text.length > MAX_FRAME) {
      this.close(CODES.internal.close, "An answer is too large");
      throw new Error("An answer is too large for a shard");
    }
    if (this.isOpen) this.#line.mail(this, text);
  }

  /** Takes back what waits to be sent. */
  discard(): void {
    this.#line.discardMail(this);
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#line.hangUp(this.remote.id, code, reason);
  }

  /** Whose it is: nothing is sent before that is attached. */
  get user(): string {
    return (this.#attachment as { readonly publicId: string } | undefined)?.publicId ?? "";
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
