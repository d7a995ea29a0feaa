import type { Flow, FlowClient, FlowControl } from "../platform/flow-control.ts";
import type { SentFrame, Socket } from "../platform/ports.ts";
import { RESTART } from "../protocol/codes.ts";
import type { RoomError } from "../protocol/errors.ts";
import { isAnswer } from "../protocol/packets.ts";
import { NONE } from "../room/connections/identity.ts";
import { Outbox } from "../room/connections/outbox.ts";
import type { Item } from "../room/connections/outbox.ts";
import { WaitingQueue } from "../platform/waiting-queue.ts";
import type { WaitingBudget } from "../platform/waiting-budget.ts";
import { sizeOf } from "../platform/client-limits.ts";
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
  /** The bytes that it was sent and had not confirmed, when that was stored last. */
  readonly unconfirmed?: number | undefined;
  /** Set while nothing is sent to it, since it does not confirm. */
  readonly stopped?: boolean;
}

/** What a client needs of its shard. */
export interface ClientHooks {
  /** Counts what clients have not confirmed. */
  flows(): FlowControl;
  /** Counts what is held back for clients, and their messages that wait meanwhile. */
  readonly held: WaitingBudget<Client>;
  readonly waiting: WaitingBudget<Client>;
  /** Nothing more is sent to a client, or it may be sent all again. */
  onStopped(client: Client): void;
  /** A client confirms again: it is to be sent what it missed. */
  onCaughtUp(client: Client): void;
  /** A message of a client waited until that was sent what was held back. */
  onMessage(client: Client, frame: string | ArrayBuffer): void;
  /** A client is to be closed. */
  refuse(client: Client, error: RoomError): void;
}

/** One client of a shard. */
export class Client implements FlowClient {
  readonly id: number;
  /** What it has not confirmed; undefined before it was sent anything. */
  flow: Flow | undefined;
  /** The number of the last packet that it was sent; {@link NONE} if it was sent none. */
  seq = NONE;
  readonly socket: Socket;
  /** The client's user, as far as the shard knows. */
  readonly user: string;
  bucket: TokenBucket | undefined;
  /** Its request to connect, until the room has let it in. */
  #joinAttempt: JoinAttempt | undefined;
  #room: unknown;
  #isOpen = false;
  #tables: string | undefined;
  readonly #hooks: ClientHooks;
  #unconfirmed: number | undefined;
  /** There while it is stopped, until it is sent what it missed. */
  #outbox: Outbox | undefined;
  /** Whether it misses packets. */
  #isBehind = false;
  #inbox: WaitingQueue<string | ArrayBuffer, Client> | undefined;
  /** Resolves when the room has let it in, or refused it. */
  readonly decided: Promise<void>;
  readonly #decide: () => void;

  private constructor(socket: Socket, id: number, sessionId: string | undefined, hooks: ClientHooks) {
    this.socket = socket;
    this.#hooks = hooks;
    this.id = id;
    ({ promise: this.decided, resolve: this.#decide } = Promise.withResolvers<void>());
    this.user = userOf(sessionId, id);
  }

  static join(socket: Socket, id: number, attempt: JoinAttempt, hooks: ClientHooks): Client {
    const client = new Client(socket, id, attempt.sessionId, hooks);
    client.#joinAttempt = attempt;
    client.#save();
    return client;
  }

  /** Restores a client whose socket stayed open while the shard slept. */
  static recover(socket: Socket, hooks: ClientHooks): Client | undefined {
    const attachment = socket.attachment() as Attachment | null | undefined;
    // What was held back for it is not known any more.
    if (attachment?.stopped) socket.close(RESTART, BEHIND);
    if (!attachment || attachment.stopped) return undefined;
    const room = attachment.room && (JSON.parse(new TextDecoder().decode(attachment.room)) as unknown);
    const client = new Client(socket, attachment.id, (room as { sessionId?: string } | undefined)?.sessionId, hooks);
    client.#unconfirmed = attachment.unconfirmed ?? 0;
    client.#room = room;
    client.#isOpen = attachment.isOpen;
    client.#tables = attachment.tables;
    return client;
  }

  /** The part of the room's attachment that the shard uses. */
  get identity(): { readonly publicId: string; readonly protocol?: number; readonly clears?: boolean } | undefined {
    return this.#room as { publicId: string; protocol?: number; clears?: boolean } | undefined;
  }

  /** The protocol that it speaks, as the room says. */
  get protocol(): number {
    return this.identity?.protocol ?? 1;
  }

  /** Whether it takes packets in two steps. */
  get clears(): boolean {
    return this.identity?.clears === true;
  }

  /** The tables of the binary protocol that it has: their hash. */
  get tables(): string | undefined {
    return this.#tables;
  }

  /** Whether its first packet was sent, and it misses nothing. */
  get isOpen(): boolean {
    return this.#isOpen && !this.#isBehind;
  }

  /** Whether it misses packets, since it did not confirm. */
  get isBehind(): boolean {
    return this.#isBehind;
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
    return { id: this.id, attachment: this.#room, isOpen: this.isOpen };
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

  /** @param latest where it is held back, it takes the place of a packet with the same name */
  send(frame: SentFrame, latest?: string): void {
    if (this.#outbox) this.#outbox.packet(frame, latest);
    else this.write(frame);
  }

  /** Sends what the room sends to this client alone. @param text the same as JSON */
  mail(text: string, frame: SentFrame): void {
    if (this.#outbox && isAnswer(text)) this.#outbox.plain(frame);
    else this.send(frame);
  }

  /** Sends the whole state, or what it missed, and then what was held back. @param seq its number */
  first(frame: SentFrame, seq: number | undefined): void {
    // It gets the packet when it goes on.
    this.#isBehind = this.flow?.isStopped === true;
    if (this.#isBehind) return;
    this.seq = seq ?? NONE;
    if (this.#outbox) this.#release(frame);
    else this.write(frame);
  }

  /** A socket that is closing throws; its close event follows. */
  write(frame: SentFrame): void {
    if (!this.#isOpen) this.#accept();
    let bytes;
    try {
      bytes = this.socket.send(frame);
    } catch {
      return;
    }
    // Before the room has let it in, nobody knows its protocol. By then it is sent only that it sends too much.
    if (this.identity) (this.flow ??= this.#hooks.flows().add(this, this.#unconfirmed)).sent(bytes);
  }

  stop(): void {
    this.#isBehind ||= this.#isOpen && !this.hasLeft;
    this.#outbox ??= this.#createOutbox();
    this.#outbox.hold();
    this.#hooks.onStopped(this);
    this.keep();
  }

  goOn(): void {
    if (this.#isBehind) this.#hooks.onCaughtUp(this);
    else this.#release();
    this.keep();
  }

  keep(): void {
    try {
      this.#save();
    } catch {
      // It was attached before, so it is only as large as that.
    }
  }

  refuse(error: RoomError): void {
    this.#hooks.refuse(this, error);
  }

  /** Keeps a message, if so many answers are held back that it has to wait. @returns whether it waits */
  holds(message: string | ArrayBuffer): boolean {
    if (!this.#inbox && !this.#outbox?.isClogged) return false;
    (this.#inbox ??= new WaitingQueue(this.#hooks.waiting, this, this.user, sizeOf)).push(message);
    return true;
  }

  /** It is not there any more. */
  left(): void {
    this.flow?.closes();
    this.#outbox?.clear();
    this.#inbox?.clear();
  }

  #createOutbox(): Outbox {
    const createQueue = () =>
      new WaitingQueue<Item, Client>(this.#hooks.held, this, this.user, ({ frame }) => frame.length);
    return new Outbox((frame) => this.write(frame), undefined, true, createQueue);
  }

  #release(first?: SentFrame): void {
    this.#outbox?.open(first);
    if (this.flow?.isStopped) return;
    this.#outbox = undefined;
    const inbox = this.#inbox;
    this.#inbox = undefined;
    for (let frame = inbox?.shift(); frame !== undefined; frame = inbox?.shift()) this.#hooks.onMessage(this, frame);
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
    const { flow } = this;
    const attachment: Attachment = {
      id: this.id,
      room,
      isOpen: this.#isOpen,
      tables: this.#tables,
      unconfirmed: flow ? flow.toKeep : this.#unconfirmed,
      stopped: flow?.isStopped || this.#isBehind,
    };
    this.socket.attach(attachment);
  }
}

/** Why a client is closed that misses packets. */
export const BEHIND = "The room restarted before you were sent everything";

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
    if (client.isOpen) this.#open.add(client);
  }

  /** Nothing more is sent to a client. */
  stopped(client: Client): void {
    this.#open.delete(client);
  }

  remove(client: Client): void {
    this.#byId.delete(client.id);
    this.#bySocket.delete(client.socket);
    this.#open.delete(client);
    client.left();
  }
}
