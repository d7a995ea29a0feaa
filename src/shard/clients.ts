import type { Flow, FlowClient, FlowControl } from "../platform/flow-control.ts";
import type { SentFrame, Socket } from "../platform/ports.ts";
import { RESTART } from "../protocol/codes.ts";
import { RoomError } from "../protocol/errors.ts";
import { isAnswer, isSync } from "../protocol/packets.ts";
import { NONE } from "../room/connections/identity.ts";
import { Outbox } from "../room/connections/outbox.ts";
import type { Item } from "../room/connections/outbox.ts";
import { WaitingQueue } from "../platform/waiting-queue.ts";
import type { WaitingBudget } from "../platform/waiting-budget.ts";
import { sizeOf } from "../platform/client-limits.ts";
import type { TokenBucket } from "../platform/client-limits.ts";
import { userOf } from "../platform/waiting-budget.ts";
import type { JoinAttempt, RosterEntry } from "../relay/messages.ts";

/** The value that is attached to a client's socket. It survives hibernation of the shard. */
interface Attachment {
  readonly id: number;
  /**
   * The room's attachment of the connection, as JSON in UTF-8, so that its size is the same as the room counted.
   * Undefined until the room accepted the client.
   */
  readonly room: Uint8Array | undefined;
  readonly isOpen: boolean;
  /** The hash of the client's tables of the binary protocol. */
  readonly tables?: string | undefined;
  /** The unconfirmed bytes when they were last stored. */
  readonly unconfirmed?: number | undefined;
  /** Set while nothing is sent to it, because it does not confirm. */
  readonly stopped?: boolean;
}

/** The parts of the shard that a client needs. */
export interface ClientHooks {
  /** Counts unconfirmed bytes. */
  flows(): FlowControl;
  /** Counts held-back packets, and messages that wait meanwhile. */
  readonly held: WaitingBudget<Client>;
  readonly waiting: WaitingBudget<Client>;
  /** Nothing more may be sent to a client, or it may again. */
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
  /** Its unconfirmed bytes. Undefined before the first packet. */
  flow: Flow | undefined;
  /** The number of the last sent packet, or {@link NONE}. */
  seq = NONE;
  readonly socket: Socket;
  /** The client's user, as far as the shard knows. */
  readonly user: string;
  bucket: TokenBucket | undefined;
  /** Its request to connect, until the room has accepted it. */
  #joinAttempt: JoinAttempt | undefined;
  #room: unknown;
  #isOpen = false;
  #tables: string | undefined;
  readonly #hooks: ClientHooks;
  #unconfirmed: number | undefined;
  /** Set while it is stopped, until it gets the changes that it missed. */
  #outbox: Outbox | undefined;
  /** Whether it has missed packets. */
  #isBehind = false;
  /** Whether a packet of an interceptor was not sent. The room cannot send it again. */
  #hasMissed = false;
  #inbox: WaitingQueue<string | ArrayBuffer, Client> | undefined;
  /** Resolves when the room has accepted or refused it. */
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

  /** Restores a client whose socket stayed open while the shard hibernated. */
  static recover(socket: Socket, hooks: ClientHooks): Client | undefined {
    const attachment = socket.attachment() as Attachment | null | undefined;
    // Its held-back packets are lost.
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

  /** Its protocol, as the room says. */
  get protocol(): number {
    return this.identity?.protocol ?? 1;
  }

  /** Whether it applies patches in two steps. */
  get clears(): boolean {
    return this.identity?.clears === true;
  }

  /** The hash of its tables of the binary protocol. */
  get tables(): string | undefined {
    return this.#tables;
  }

  /** Whether its first packet was sent, and it has missed nothing. */
  get isOpen(): boolean {
    return this.#isOpen && !this.#isBehind;
  }

  /** Whether it has missed packets because it did not confirm. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /**
   * Whether the room has accepted it, or can still be asked to. If not, the shard hibernated before the room answered.
   */
  get hasRosterEntry(): boolean {
    return this.#joinAttempt !== undefined || this.#room !== undefined;
  }

  /** Whether its user left. It then gets no packets for everyone. */
  get hasLeft(): boolean {
    return (this.#room as { left?: boolean } | undefined)?.left === true;
  }

  get rosterEntry(): RosterEntry {
    if (this.#joinAttempt) return { id: this.id, knock: this.#joinAttempt };
    return { id: this.id, attachment: this.#room, isOpen: this.isOpen };
  }

  /** Sets the room's attachment. The first one means that the room accepted the client. */
  attach(value: unknown): void {
    this.#joinAttempt = undefined;
    this.#room = value;
    this.#save();
    // With `autoSync: false` its first packet may take long, and after its user left it gets none.
    if (this.hasLeft || (value as { unsynced?: boolean } | null)?.unsynced) this.#accept();
  }

  /** @param tables the hash of the tables that it was sent */
  open(tables: string | undefined): void {
    if (this.#isOpen && this.#tables === tables) return;
    this.#isOpen = true;
    this.#tables = tables;
    this.#save();
  }

  /** @param latest a waiting packet with the same name is replaced */
  send(frame: SentFrame, latest?: string): void {
    if (this.#outbox) this.#outbox.packet(frame, latest);
    else this.write(frame);
  }

  /** Sends a packet of the room for this client only. @param text the same as JSON */
  mail(text: string, frame: SentFrame): void {
    if (this.#outbox && isAnswer(text)) this.#outbox.plain(frame);
    else if (this.#outbox && !this.#isBehind && (typeof frame !== "string" || isSync(frame))) this.#hasMissed = true;
    else this.send(frame);
  }

  /** Sends the whole state or the missed changes, and then held-back packets. @param seq its number */
  first(frame: SentFrame, seq: number | undefined): void {
    // It gets the packet when it continues.
    this.#isBehind = this.flow?.isStopped === true;
    if (this.#isBehind) return;
    this.seq = seq ?? NONE;
    if (this.#outbox) this.#release(frame);
    else this.write(frame);
  }

  /** A closing socket throws. Its close event follows. */
  write(frame: SentFrame): void {
    if (!this.#isOpen) this.#accept();
    let bytes;
    try {
      bytes = this.socket.send(frame);
    } catch {
      return;
    }
    // Before the room accepts it, its protocol is unknown. Until then it can only get an error for sending too much.
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
    else if (this.#hasMissed) this.refuse(new RoomError("too_slow", "Packets were lost: connect again"));
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

  /** The client has left. */
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
      // Its socket is already closed.
    }
  }

  /** A packet of the room means that the client is accepted. */
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

/** The reason for closing a client that has missed packets. */
export const BEHIND = "The room restarted before you were sent everything";

/** The clients of a shard. */
export class Clients {
  readonly #byId = new Map<number, Client>();
  readonly #bySocket = new Map<Socket, Client>();
  readonly #open = new Set<Client>();
  // No id is used twice in a run. After hibernation the last id is unknown, so counting starts at a random number.
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

  /** The clients whose first packet was sent, and whose user is in the room. */
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

  /** @param tables the hash of the tables that it was sent */
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
