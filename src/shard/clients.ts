import type { SentFrame, Socket } from "../platform/ports.ts";
import type { TokenBucket } from "../platform/client-limits.ts";
import { userOf } from "../platform/waiting-budget.ts";
import type { JoinAttempt, RosterEntry } from "../relay/messages.ts";

/** The value that is attached to a client's socket. It survives the shard's sleep. */
interface Attachment {
  readonly id: number;
  /**
   * The room's attachment of the connection, as JSON in UTF-8: so it has as many bytes here as the room counted.
   * Undefined until the room let the client in.
   */
  readonly room: Uint8Array | undefined;
  readonly isOpen: boolean;
  /** The tables of the binary protocol that it has: their hash. */
  readonly tables?: string | undefined;
}

/** One client of a shard. */
export class Client {
  readonly id: number;
  readonly socket: Socket;
  /** The client's user, as far as the shard knows. */
  readonly user: string;
  bucket: TokenBucket | undefined;
  /** Its request to connect, until the room has let it in. */
  #joinAttempt: JoinAttempt | undefined;
  #room: unknown;
  #isOpen = false;
  #tables: string | undefined;
  /** Resolves when the room has let it in, or refused it. */
  readonly decided: Promise<void>;
  readonly #decide: () => void;

  private constructor(socket: Socket, id: number, sessionId: string | undefined) {
    this.socket = socket;
    this.id = id;
    ({ promise: this.decided, resolve: this.#decide } = Promise.withResolvers<void>());
    this.user = userOf(sessionId, id);
  }

  static join(socket: Socket, id: number, attempt: JoinAttempt): Client {
    const client = new Client(socket, id, attempt.sessionId);
    client.#joinAttempt = attempt;
    client.#save();
    return client;
  }

  /** Restores a client whose socket stayed open while the shard slept. */
  static recover(socket: Socket): Client | undefined {
    const attachment = socket.attachment() as Attachment | null | undefined;
    if (!attachment) return undefined;
    const room = attachment.room && (JSON.parse(new TextDecoder().decode(attachment.room)) as unknown);
    const client = new Client(socket, attachment.id, (room as { sessionId?: string } | undefined)?.sessionId);
    client.#room = room;
    client.#isOpen = attachment.isOpen;
    client.#tables = attachment.tables;
    return client;
  }

  /** The part of the room's attachment that the shard uses. */
  get identity(): { readonly publicId: string; readonly protocol?: number } | undefined {
    return this.#room as { publicId: string; protocol?: number } | undefined;
  }

  /** The protocol that it speaks, as the room says. */
  get protocol(): number {
    return this.identity?.protocol ?? 1;
  }

  /** The tables of the binary protocol that it has: their hash. */
  get tables(): string | undefined {
    return this.#tables;
  }

  /** Whether its first packet was sent. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether the room let it in, or can still be asked to. If not, the shard slept before the room answered. */
  get hasRosterEntry(): boolean {
    return this.#joinAttempt !== undefined || this.#room !== undefined;
  }

  /** Whether its user is not in the room any more: it gets nothing that is for all. */
  get hasLeft(): boolean {
    return (this.#room as { left?: boolean } | undefined)?.left === true;
  }

  get rosterEntry(): RosterEntry {
    if (this.#joinAttempt) return { id: this.id, knock: this.#joinAttempt };
    return { id: this.id, attachment: this.#room, isOpen: this.#isOpen };
  }

  /** Sets the room's attachment. The first one means that the room let the client in. */
  attach(value: unknown): void {
    this.#joinAttempt = undefined;
    this.#room = value;
    this.#save();
    // With `autoSync: false` it may wait long for its first packet, and whose user has left gets none.
    if (this.hasLeft || (value as { unsynced?: boolean } | null)?.unsynced) this.#accept();
  }

  /** @param tables what it was told of the binary protocol */
  open(tables: string | undefined): void {
    if (this.#isOpen && this.#tables === tables) return;
    this.#isOpen = true;
    this.#tables = tables;
    this.#save();
  }

  /** A socket that is closing throws; its close event follows. */
  send(frame: SentFrame): void {
    if (!this.#isOpen) this.#accept();
    try {
      this.socket.send(frame);
    } catch {
      // The close event follows.
    }
  }

  close(code: number, reason: string): void {
    this.#decide();
    try {
      this.socket.close(code, reason);
    } catch {
      // It is closed already.
    }
  }

  /** What the room sends to it says that it is let in. */
  #accept(): void {
    this.socket.accept();
    this.#decide();
  }

  #save(): void {
    const room = this.#room === undefined ? undefined : new TextEncoder().encode(JSON.stringify(this.#room));
    const tables = this.#tables !== undefined && { tables: this.#tables };
    const attachment: Attachment = { id: this.id, room, isOpen: this.#isOpen, ...tables };
    this.socket.attach(attachment);
  }
}

/** The clients of a shard. */
export class Clients {
  readonly #byId = new Map<number, Client>();
  readonly #bySocket = new Map<Socket, Client>();
  readonly #open = new Set<Client>();
  // No id is used twice in a run. After sleep the last id is not known, so counting begins at a random number.
  #lastId = (crypto.getRandomValues(new Uint32Array(1))[0] as number) * 2 ** 20;

  get size(): number {
    return this.#byId.size;
  }

  nextId(): number {
    return ++this.#lastId;
  }

  all(): Iterable<Client> {
    return this.#byId.values();
  }

  /** Those whose first packet was sent, and whose user is in the room. */
  get open(): ReadonlySet<Client> {
    return this.#open;
  }

  get(id: number): Client | undefined {
    return this.#byId.get(id);
  }

  find(socket: Socket): Client | undefined {
    return this.#bySocket.get(socket);
  }

  has(client: Client): boolean {
    return this.#byId.has(client.id);
  }

  add(client: Client): void {
    this.#byId.set(client.id, client);
    this.#bySocket.set(client.socket, client);
    if (client.isOpen && !client.hasLeft) this.#open.add(client);
  }

  /** Sets the room's attachment of a client. */
  attach(client: Client, value: unknown): void {
    client.attach(value);
    if (client.hasLeft) this.#open.delete(client);
  }

  /** @param tables what it was told of the binary protocol */
  opened(client: Client, tables: string | undefined): void {
    client.open(tables);
    this.#open.add(client);
  }

  remove(client: Client): void {
    this.#byId.delete(client.id);
    this.#bySocket.delete(client.socket);
    this.#open.delete(client);
  }
}
