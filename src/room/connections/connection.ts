import type { AnyDefinition, Claims, Connection, LeaveReason, Packet } from "../../define/types.ts";
import type { Flow, FlowClient, FlowControl } from "../../platform/flow-control.ts";
import { closeReason } from "../../protocol/close-reason.ts";
import { CODES, RESTART } from "../../protocol/codes.ts";
import { RoomError } from "../../protocol/errors.ts";
import type { GroupSights, Remote } from "./remote-group.ts";
import { attachmentOf, NONE } from "./identity.ts";
import type { Attachment, ClientIdentity, KnownWire, PatchFrames, Phase, Protocol } from "./identity.ts";
import { encodeClosing } from "../../protocol/packets.ts";
import type { Position } from "../../protocol/packets.ts";
import { Outbox } from "./outbox.ts";
import type { Intercept, Item } from "./outbox.ts";
import { encodePacket } from "./custom-packets.ts";
import type { RoomSocket } from "./remote-group.ts";
import type { TokenBucket } from "../../platform/client-limits.ts";
import type { WaitingBudget } from "../../platform/waiting-budget.ts";
import type { SentFrame } from "../../platform/ports.ts";
import { WaitingQueue } from "../../platform/waiting-queue.ts";
import type { Watching } from "../../state/view.ts";

/** The parts of the room that a connection needs. */
export interface ConnectionHooks {
  onClosed(conn: RoomConnection, socket: RoomSocket): void;
  /** Makes the interceptor of a connection, if the room has one. */
  readonly intercept: ((conn: RoomConnection) => Intercept) | undefined;
  readonly definition: Pick<AnyDefinition, "events" | "connectionState">;
  /** Counts the packets that are held back. */
  readonly held: WaitingBudget<RoomConnection>;
  /** Counts unconfirmed bytes. */
  readonly flows: FlowControl;
  /** A stopped connection has confirmed, and needs the packet with the changes that it missed. */
  onCaughtUp(conn: RoomConnection): void;
}

/** A connection as the room sees it: the public one, its place in the protocol, and its unread messages. */
export class RoomConnection implements Connection, FlowClient {
  readonly id: string;
  readonly sessionId: string;
  readonly publicId: string;
  readonly auth: Claims | null;
  readonly protocol: Protocol;
  /** Whether its client applies patches in two steps. */
  readonly clears: boolean;
  readonly isSpectator: boolean;
  since: Position | undefined;
  wire: KnownWire | undefined;
  /** The number of the last sent packet, or {@link NONE}. */
  seq = NONE;
  /** Whether it waits for the changes that it missed while it was stopped. */
  isBehind = false;
  /** Messages that wait for the one that is being handled. Undefined while there are none. */
  inbox: WaitingQueue<string | ArrayBuffer, RoomConnection> | undefined;
  isBusy = false;
  /** The ids of the visible fields with a dynamic audience, if there are any. */
  seen: Set<number> | undefined;
  /** Its unconfirmed bytes. Undefined before the first packet. */
  flow: Flow | undefined;
  /** Whether an action of it ran since the room woke. */
  hasActed = false;
  bucket: TokenBucket | undefined;
  /** Whether the room closed it. */
  isRefused = false;
  /** The reason for `onLeave`, if it is the user's last connection. */
  leaveReason: LeaveReason = "lost";
  /** Whether a shard holds it. */
  readonly isRemote: boolean;
  /** Whether its user moved to another room, or was removed. */
  hasLeft = false;
  /** Called when it is removed from the room's connections. */
  onRemoved: Watching["onRemoved"];
  /** The user who left, with the last values. */
  formerUser: object | undefined;
  readonly socket: RoomSocket;
  readonly #hooks: ConnectionHooks;
  /**
   * Set while packets are held back, and always with an interceptor. Without an outbox, packets are written at once.
   */
  #outbox: Outbox | undefined;
  /** Its unconfirmed bytes when the room hibernated. */
  readonly #unconfirmed: number | undefined;
  /** Continues with its messages, which wait until held-back packets are sent. */
  #goOnWithMessages: ((conn: RoomConnection) => void) | undefined;
  #phase: Phase;
  /** Whether its socket was accepted before its join was done. */
  #isEarly = false;
  #state: unknown;

  private constructor(socket: RoomSocket, attachment: Attachment, phase: Phase, hooks: ConnectionHooks) {
    this.socket = socket;
    this.isRemote = socket.remote !== undefined;
    this.id = attachment.id;
    this.sessionId = attachment.sessionId;
    this.publicId = attachment.publicId;
    this.auth = attachment.auth;
    this.protocol = attachment.protocol ?? 1;
    this.clears = attachment.clears === true;
    this.isSpectator = attachment.spectator === true;
    this.#state = attachment.state;
    this.hasLeft = attachment.left === true;
    this.#phase = phase;
    this.#hooks = hooks;
    this.#unconfirmed = attachment.unconfirmed;
    const isHeld = phase === "joining" || phase === "waiting";
    if (isHeld || hooks.intercept) this.#outbox = this.#createOutbox(isHeld);
  }

  #createOutbox(isHeld: boolean): Outbox {
    const { held, intercept } = this.#hooks;
    const createQueue = () => new WaitingQueue(held, this, this.publicId, ({ frame }: Item) => frame.length);
    return new Outbox((frame) => this.write(frame), intercept?.(this), isHeld, createQueue);
  }

  /** Makes the connection of a joining client. @param isEarly whether its socket is already accepted */
  static open(socket: RoomSocket, who: ClientIdentity, hooks: ConnectionHooks, isEarly = false): RoomConnection {
    const spectator = who.isSpectator === true;
    const conn = new RoomConnection(socket, { id: crypto.randomUUID(), ...who, spectator }, "joining", hooks);
    conn.since = who.since;
    conn.wire = who.wire;
    conn.#isEarly = isEarly;
    conn.#attach();
    return conn;
  }

  /**
   * Restores a connection that was open before the room lost its memory. Undefined if no room attached anything to it.
   * @param isOpen whether the client got its first packet
   */
  static recover(socket: RoomSocket, hooks: ConnectionHooks, isOpen = true): RoomConnection | undefined {
    const attachment = socket.attachment() as Attachment | null | undefined;
    if (!attachment) return undefined;
    if (attachment.joining || attachment.stopped) {
      // Its query and its held-back packets are lost: the client has to reconnect.
      const missing = attachment.joining ? "you were let in" : "you were sent everything";
      socket.close(RESTART, `The room restarted before ${missing}`);
      return undefined;
    }
    const phase = attachment.unsynced ? "unsynced" : isOpen ? "open" : "waiting";
    return new RoomConnection(socket, { unconfirmed: 0, ...attachment }, phase, hooks);
  }

  /** Refuses a client that is not a connection yet. */
  static refuse(socket: RoomSocket, error: RoomError): void {
    socket.close(CODES[error.code].close, closeReason(error.message));
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Whether it is closing or closed. Messages of its client are then ignored. */
  get isEnding(): boolean {
    return this.#phase === "closing" || this.#phase === "closed";
  }

  get isIntercepted(): boolean {
    return this.#hooks.intercept !== undefined;
  }

  /**
   * The shard that holds it, if packets for everyone can be sent there once. Undefined with an interceptor, which sees
   * each packet of each connection separately.
   */
  get remote(): Remote | undefined {
    return this.#hooks.intercept ? undefined : this.socket.remote;
  }

  /** The relays that send it visible entries, if its shard computes the visibility of its clients itself. */
  get relays(): GroupSights | undefined {
    return this.remote?.group.sights;
  }

  /** Whether it waits for its first packet. */
  get isWaiting(): boolean {
    return this.#phase === "waiting" || this.#phase === "unsynced";
  }

  get state(): unknown {
    return (this.#state ??= this.#hooks.definition.connectionState?.());
  }

  setState(next: unknown): void {
    const previous = this.state;
    this.#state = typeof next === "function" ? (next as (previous: unknown) => unknown)(previous) : next;
    try {
      this.#attach("The state of the connection is too large, or cannot be stored", "internal");
    } catch (error) {
      this.#state = previous;
      throw error;
    }
  }

  send(packet: Packet): void {
    this.deliver(encodePacket(packet, this.#hooks.definition.events));
  }

  /**
   * Sends a packet. Packets before the first one are held back until that is sent.
   * @param latest a held-back packet replaces one with the same name
   */
  deliver(frame: SentFrame, latest?: string): void {
    if (!this.#outbox) this.write(frame);
    else if (!this.isEnding) this.#outbox.packet(frame, latest);
  }

  /** Sends a patch, if the first packet was sent. Interceptors see no numbers. @param input the last applied input */
  sendPatch(patch: PatchFrames, input?: number): void {
    if (this.#phase !== "open" || this.hasLeft) return;
    if (patch.seq > 0) this.seq = patch.seq;
    const frame = patch.for(this.#hooks.intercept ? 1 : this.protocol, input);
    if (this.#outbox) this.#outbox.patch(frame);
    else this.write(frame);
  }

  /** Sends an acknowledgement or an error, in order. */
  answer(frame: SentFrame): void {
    if (!this.#outbox) this.write(frame);
    else if (!this.isEnding) this.#outbox.plain(frame);
  }

  /**
   * Whether so many answers are held back that messages have to wait too.
   * @param goOn called when they were sent
   */
  isClogged(goOn: (conn: RoomConnection) => void): boolean {
    if (!this.flow?.isStopped || !this.#outbox?.isClogged) return false;
    this.#goOnWithMessages = goOn;
    return true;
  }

  stop(): void {
    if (this.isEnding) return;
    if (this.#phase === "open" && !this.hasLeft) this.#phase = "stopped";
    this.#outbox ??= this.#createOutbox(true);
    this.#outbox.hold();
    this.keep();
  }

  goOn(): void {
    if (this.#phase === "stopped") this.#hooks.onCaughtUp(this);
    else if (!this.isEnding) this.#release();
    this.keep();
  }

  keep(): void {
    try {
      this.#attach();
    } catch {
      // It was attached before, so it is only as large as that.
    }
  }

  /** Accepts the socket before the join is done, because the join takes long. */
  acceptEarly(): void {
    this.#isEarly = true;
    this.#attach();
  }

  /** The join is done: the next flush sends the first packet. @param isSoon whether that needs no `applySync` */
  joined(isSoon: boolean): void {
    if (this.#phase !== "joining") return;
    this.#phase = isSoon ? "waiting" : "unsynced";
    this.socket.accept();
    if (!isSoon || this.#isEarly) this.#attach();
    if (!isSoon) this.#release();
  }

  /**
   * Sends the first packet, and then the held-back ones.
   * @param frame undefined if the group sends the first packet @param seq its number
   */
  welcome(frame: SentFrame | undefined, seq: number): void {
    this.isBehind = false;
    if (this.isEnding) return;
    const wasUnsynced = this.#phase === "unsynced";
    this.#phase = this.flow?.isStopped ? "stopped" : "open";
    if (wasUnsynced) this.#attach();
    // Otherwise it gets the packet when it continues.
    if (this.#phase !== "open") return;
    this.seq = seq;
    this.#release(frame);
  }

  /** Waits for its first packet, or for what it missed. @param isSoon whether that needs no `applySync` */
  waitAgain(isSoon: boolean): void {
    this.#phase = isSoon ? "waiting" : "unsynced";
    this.keep();
    if (!isSoon) this.#release();
  }

  /** Sends the first packet, if given, and the held-back ones. */
  #release(first?: SentFrame): void {
    if (this.#outbox) this.#outbox.open(first);
    else if (first !== undefined) this.write(first);
    if (!this.#hooks.intercept && !this.flow?.isStopped) this.#outbox = undefined;
    const goOn = this.#goOnWithMessages;
    this.#goOnWithMessages = undefined;
    goOn?.(this);
  }

  /** Its user left. It still sends held-back packets, and packets that handlers send only to it. */
  leave(user: object | undefined): void {
    if (this.isEnding) return;
    this.hasLeft = true;
    this.formerUser = user;
    this.socket.accept();
    if (this.#phase === "joining" || this.isWaiting) this.#release();
    // Held-back packets are sent when it confirms. It then has missed nothing.
    this.#phase = "open";
    try {
      this.#attach();
    } catch {
      // Without a session: a room that wakes recognizes that the user left.
    }
  }

  close(code = 1000, reason = ""): void {
    if (code !== 1000 && !(code >= 3000 && code <= 4999)) {
      throw new RoomError("internal", `The close code has to be 1000, or 3000 to 4999, not ${code}`);
    }
    this.#end(code, reason);
  }

  /** Closes the connection with an error code of the protocol. */
  refuse(error: RoomError): void {
    this.#end(CODES[error.code].close, error.message, error.code);
  }

  /** The socket closed. */
  closed(isLost = false): void {
    if (this.#phase === "closed") return;
    this.leaveReason = this.isRefused ? "kicked" : isLost ? "lost" : "closed";
    this.#phase = "closed";
    this.flow?.closes();
    this.#outbox?.clear();
    this.#hooks.onClosed(this, this.socket);
  }

  /** Closes the connection at once. Held-back packets are dropped. */
  cut(error: RoomError): void {
    if (this.#phase === "closed") return;
    this.isRefused = true;
    this.inbox?.clear();
    this.#hangUp(CODES[error.code].close, error.message, error.code);
  }

  /** Sends held-back packets, and then closes. Waiting messages of the client are ignored. */
  #end(code: number, reason: string, error = "closed"): void {
    this.inbox?.clear();
    if (this.isEnding) return;
    this.isRefused = true;
    if (this.#phase === "joining" || this.#phase === "waiting") this.#release();
    if (!this.#outbox || this.flow?.isStopped) this.#hangUp(code, reason, error);
    else {
      this.#phase = "closing";
      this.#outbox.after(() => this.#hangUp(code, reason, error));
    }
  }

  #hangUp(code: number, reason: string, error: string): void {
    if (this.#phase === "closed") return;
    try {
      if (this.socket.endsLate && this.protocol !== 1) this.write(encodeClosing(error, reason, code));
      this.socket.close(code, closeReason(reason));
    } finally {
      this.closed();
    }
  }

  /** @param problem the part that is too large. A client chooses only the token */
  #attach(problem = "The token is too large", code: "bad_message" | "internal" = "bad_message"): void {
    const flow = this.flow;
    const attachment = attachmentOf(this, {
      unsynced: this.#phase === "unsynced",
      joining: this.#phase === "joining" && this.#isEarly,
      left: this.hasLeft,
      stopped: flow?.isStopped === true,
      unconfirmed: (flow ? flow.toKeep : this.#unconfirmed) ?? 0,
    });
    try {
      this.socket.attach(attachment);
    } catch (cause) {
      throw new RoomError(code, problem, { cause });
    }
  }

  write(frame: SentFrame): void {
    if (this.#phase === "closed") return;
    // A closing socket throws. Its close event follows.
    let bytes;
    try {
      bytes = this.socket.send(frame);
    } catch {
      return this.closed();
    }
    if (!this.isRemote) (this.flow ??= this.#hooks.flows.add(this, this.#unconfirmed)).sent(bytes);
  }
}
