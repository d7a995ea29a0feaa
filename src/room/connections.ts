import type { Claims, Connection, Packet } from "../define/types.ts";
import { CODES } from "../protocol/codes.ts";
import { RoomError } from "../protocol/errors.ts";
import { encodePacket } from "./packets.ts";
import type { Socket } from "./ports.ts";

/** joining → waiting for its first packet → open → closed. */
type Phase = "joining" | "waiting" | "open" | "closed";

/** What a socket carries through hibernation. */
interface Attachment {
  readonly id: string;
  readonly sessionId: string;
  readonly publicId: string;
  readonly auth: Claims | null;
  readonly state?: unknown;
}

/** A connection as the room sees it: the public one, its place in the protocol, and its unread messages. */
export class Conn implements Connection {
  readonly id: string;
  readonly sessionId: string;
  readonly publicId: string;
  readonly auth: Claims | null;
  /** Paths of the fields it sees only for now. */
  readonly seen = new Set<string>();
  /** Messages that wait for the one that is being handled. */
  readonly inbox: (string | ArrayBuffer)[] = [];
  isBusy = false;
  readonly #socket: Socket;
  readonly #onClosed: (conn: Conn) => void;
  #phase: Phase;
  #state: unknown;
  #held: string[] = [];

  /** A connection that was just accepted. */
  static open(socket: Socket, who: Omit<Attachment, "id" | "state">, onClosed: (conn: Conn) => void): Conn {
    const attachment = { id: crypto.randomUUID(), ...who };
    try {
      socket.attach(attachment);
    } catch (cause) {
      throw new RoomError("bad_message", "The token is too large", { cause });
    }
    return new Conn(socket, attachment, "joining", onClosed);
  }

  /** A connection that was open while the room slept; undefined if it is none of ours. */
  static recover(socket: Socket, onClosed: (conn: Conn) => void): Conn | undefined {
    const attachment = socket.attachment() as Attachment | null | undefined;
    return attachment ? new Conn(socket, attachment, "open", onClosed) : undefined;
  }

  private constructor(
    socket: Socket,
    attachment: Attachment,
    phase: "joining" | "open",
    onClosed: (conn: Conn) => void,
  ) {
    this.#socket = socket;
    this.id = attachment.id;
    this.sessionId = attachment.sessionId;
    this.publicId = attachment.publicId;
    this.auth = attachment.auth;
    this.#state = attachment.state;
    this.#phase = phase;
    this.#onClosed = onClosed;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get state(): unknown {
    return this.#state;
  }

  setState(next: unknown): void {
    const { id, sessionId, publicId, auth } = this;
    try {
      this.#socket.attach({ id, sessionId, publicId, auth, state: next } satisfies Attachment);
    } catch (cause) {
      throw new RoomError("internal", "The state of a connection is too large, or holds what cannot be stored", {
        cause,
      });
    }
    this.#state = next;
  }

  send(packet: Packet): void {
    this.deliver(encodePacket(packet));
  }

  /** Sends text. What comes before the first packet is held back until that is sent. */
  deliver(text: string): void {
    if (this.#phase === "open") this.#write(text);
    else if (this.#phase !== "closed") this.#held.push(text);
  }

  /** The join is done: the next flush brings the first packet. */
  joined(): void {
    if (this.#phase === "joining") this.#phase = "waiting";
  }

  /** Sends the first packet, then what was held back. */
  welcome(text: string): void {
    if (this.#phase !== "waiting") return;
    this.#phase = "open";
    this.#write(text);
    for (const held of this.#held.splice(0)) this.#write(held);
  }

  close(code = 1000, reason = ""): void {
    if (code !== 1000 && !(code >= 3000 && code <= 4999)) {
      throw new RoomError("internal", `A connection closes with 1000 or 3000 to 4999, not ${code}`);
    }
    this.#end(code, reason);
  }

  /** Ends the connection for a reason of the protocol. What was held back is sent first. */
  refuse(error: RoomError): void {
    for (const held of this.#held.splice(0)) this.#write(held);
    this.#end(CODES[error.code].close, error.message);
  }

  /** Refuses a client that is not a connection yet. */
  static refuse(socket: Socket, error: RoomError): void {
    socket.close(CODES[error.code].close, truncate(error.message));
  }

  /** The socket is gone. */
  closed(): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.#onClosed(this);
  }

  #end(code: number, reason: string): void {
    try {
      this.#socket.close(code, truncate(reason));
    } finally {
      this.closed();
    }
  }

  #write(text: string): void {
    // A socket that closes at this moment throws; its close event follows.
    try {
      this.#socket.send(text);
    } catch {
      this.closed();
    }
  }
}

/** A close reason has room for 123 bytes. */
function truncate(reason: string): string {
  let bytes = new TextEncoder().encode(reason);
  if (bytes.length <= 123) return reason;
  bytes = bytes.slice(0, 123);
  return new TextDecoder().decode(bytes).replace(/\uFFFD+$/, "");
}

/** The open connections of a room. */
export class Connections {
  readonly #bySocket = new Map<Socket, Conn>();
  readonly #byUser = new Map<string, Set<Conn>>();
  #list: readonly Conn[] | undefined;

  get size(): number {
    return this.#bySocket.size;
  }

  /** How many distinct users are online. */
  get userCount(): number {
    return this.#byUser.size;
  }

  all(): readonly Conn[] {
    return (this.#list ??= [...this.#bySocket.values()]);
  }

  find(socket: Socket): Conn | undefined {
    return this.#bySocket.get(socket);
  }

  isOnline(publicId: string): boolean {
    return this.#byUser.has(publicId);
  }

  add(socket: Socket, conn: Conn): void {
    this.#bySocket.set(socket, conn);
    const siblings = this.#byUser.get(conn.publicId);
    if (siblings) siblings.add(conn);
    else this.#byUser.set(conn.publicId, new Set([conn]));
    this.#list = undefined;
  }

  remove(socket: Socket, conn: Conn): void {
    this.#bySocket.delete(socket);
    const siblings = this.#byUser.get(conn.publicId);
    siblings?.delete(conn);
    if (siblings?.size === 0) this.#byUser.delete(conn.publicId);
    this.#list = undefined;
  }
}
