import type { RoomConnection } from "../connections/connection.ts";
import type { RemoteGroup, Remote } from "../connections/remote-group.ts";
import { CODES } from "../../protocol/codes.ts";
import type { SentFrame } from "../../platform/ports.ts";
import { MAX_FRAME } from "../../relay/messages.ts";
import type { RoomSocket } from "../connections/remote-group.ts";

/** The maximum size of an attachment in bytes. A socket may carry 16,384, and the shard adds its own. */
const MAX_ATTACHMENT = 14_000;

/** A remote group whose clients can also be reached one by one. */
export interface ShardGroup extends RemoteGroup {
  /** Sends a frame to one client. */
  sendTo(socket: RemoteSocket, frame: SentFrame): void;
  attach(id: number, value: unknown): void;
  /** Takes back unsent frames for one client. */
  discardMail(socket: RemoteSocket): void;
  closeClient(id: number, code: number, reason: string): void;
  /** Adds a joining client. */
  add(socket: RemoteSocket): void;
}

/** The socket of a client that a shard holds. */
export class RemoteSocket implements RoomSocket {
  readonly remote: Remote;
  /** The shard has accepted the socket already. */
  readonly endsLate = true;
  isOpen = true;
  /** The shard counts its packets, and knows its pings. */
  readonly pingedAt = 0;
  readonly #group: ShardGroup;
  #attachment: unknown;

  /** @param id the id of the client, unique in the shard */
  constructor(group: ShardGroup, id: number, attachment?: unknown) {
    this.remote = { group, id };
    this.#group = group;
    this.#attachment = attachment;
  }

  accept(): void {
    this.#group.add(this);
  }

  /** @throws Error if the frame is too large for a call to the shard. Then the client is closed */
  send(frame: SentFrame): number {
    if (frame.length > MAX_FRAME) {
      this.close(CODES.internal.close, "An answer is too large");
      throw new Error("An answer is too large for a shard");
    }
    if (this.isOpen) this.#group.sendTo(this, frame);
    return 0;
  }

  /** Takes back unsent frames. */
  discard(): void {
    this.#group.discardMail(this);
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#group.closeClient(this.remote.id, code, reason);
  }

  /** The user's public id. Empty before the attachment is set, when nothing is sent yet. */
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
    this.#group.attach(this.remote.id, this.#attachment);
  }
}

/** The id of a connection at its shard. */
export function idAtShard(conn: object): number {
  return (conn as RoomConnection).remote?.id as number;
}
