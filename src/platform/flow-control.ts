import { withText } from "../protocol/binary/frame-text.ts";
import { writeSyncFrame } from "../protocol/binary/frames.ts";
import { RoomError } from "../protocol/errors.ts";
import { encodeRequest } from "../protocol/packets.ts";
import type { Clock, SentFrame, Socket } from "./ports.ts";

/** A client is asked to confirm after this many bytes, and asked again after this many. */
const ASK = 64_000;
const ASK_AGAIN = 1_200_000;
/** With so many unconfirmed bytes, nothing more is sent to it. */
const MOST = 1_500_000;
/** The memory that a frame needs in addition to its bytes. */
const FRAME = 100;
/** The least share of a client. Less would be used up by the request and by the packet with what it missed. */
const LEAST = 2000;
/** A client that was asked twice, and confirms nothing for this long, is closed. In ms. */
const SILENCE = 90_000;
const LOOK_EVERY = 5000;
/** The delay of reconnects per client, in ms, after clients lost their connections together: 500 clients per second. */
export const SPREAD = 2;

/** The connection whose unconfirmed bytes a {@link Flow} counts. */
export interface FlowClient {
  /** Clients of protocol 1 cannot confirm. */
  readonly protocol: number;
  readonly socket: Socket;
  /** Sends a frame at once. */
  write(frame: SentFrame): void;
  /** Nothing more may be sent to it. */
  stop(): void;
  /** It has confirmed enough. It may get the packet with the changes that it missed. */
  goOn(): void;
  /** {@link Flow.toKeep} has to be stored with its socket. */
  keep(): void;
  /** Closes it, because it showed no sign of life for too long. */
  refuse(error: RoomError): void;
}

/**
 * Counts the unconfirmed bytes of one client. Unread packets take memory of the object, and the runtime does not say
 * how much: https://github.com/cloudflare/workerd/issues/988
 *
 * Tokens are random, so that only a client that reads can confirm. A client delays its confirmation until its next
 * message. If it is asked again meanwhile, it confirms at once.
 */
export class Flow {
  /** The unconfirmed bytes. */
  bytes: number;
  /** Whether nothing is sent until the client confirms. */
  isStopped = false;
  readonly client: FlowClient;
  readonly canConfirm: boolean;
  readonly #control: FlowControl;
  /** All bytes that were counted, and their number when it was last stored. */
  #sent: number;
  #sentAtKeep: number;
  #kept: number;
  /** The unanswered requests, with the bytes that were sent before each. */
  #asked: { readonly token: number; readonly sent: number }[] = [];
  #countedFrom: number;
  /** When it was asked again. Undefined if it was not. */
  #silentSince: number | undefined;

  /** @param kept the value that was stored with its socket */
  constructor(control: FlowControl, client: FlowClient, kept: number | undefined) {
    this.#control = control;
    this.client = client;
    this.canConfirm = client.protocol !== 1;
    this.#kept = kept ?? 0;
    // The bytes sent after the last write are not known. They were fewer than one step.
    this.bytes = this.#sent = kept === undefined ? 0 : kept + control.step;
    this.#sentAtKeep = this.#kept;
    this.#countedFrom = control.clock.now();
  }

  /** The value that has to survive hibernation. */
  get toKeep(): number {
    this.#sentAtKeep = this.#sent;
    return (this.#kept = this.bytes);
  }

  /** A frame was sent. */
  sent(size: number): void {
    const weight = size + FRAME;
    this.#sent += weight;
    this.bytes += weight;
    this.#control.count(this, weight);
    // A client that cannot confirm has no limit, unless the room sets one. Then nothing is stored or checked.
    if (!this.canConfirm && this.#control.mostSilent === Infinity) return;
    if (this.#sent - this.#sentAtKeep >= this.#control.step) this.client.keep();
    if (this.bytes >= this.#control.askFrom) this.#check();
  }

  /**
   * The client confirms the bytes that were sent before a request.
   * @returns whether the token is that of a request
   */
  confirm(token: number): boolean {
    const at = this.#asked.findIndex((request) => request.token === token);
    if (at < 0) return false;
    const confirmed = this.#asked.splice(0, at + 1).at(-1) as { sent: number };
    this.#settle(this.#sent - confirmed.sent, this.#control.clock.now());
    return true;
  }

  /** A message arrived. It is the only sign of life of a client that cannot confirm. */
  heard(now: number): void {
    if (!this.canConfirm) this.#settle(0, now);
  }

  /** The same for pings. */
  lookForPing(): void {
    if (this.client.socket.pingedAt > this.#countedFrom) this.#settle(0, this.#control.clock.now());
  }

  /** Checks for a timeout. @returns whether it still waits for a confirmation */
  look(now: number): boolean {
    if (this.#silentSince === undefined) return false;
    if (now - this.#silentSince < SILENCE) return true;
    this.giveUp();
    return false;
  }

  giveUp(): void {
    this.#control.closed++;
    this.client.refuse(new RoomError("too_slow", "The client does not read its packets"));
  }

  /**
   * The connection is closed. Unread packets stay in memory until its socket ends. For a client that cannot confirm,
   * their size is unknown.
   */
  closes(): void {
    if (this.isStopped) this.#control.stopped--;
    this.isStopped = false;
    this.#silentSince = undefined;
    if (!this.canConfirm) this.#control.ended(this.client.socket);
  }

  #settle(bytes: number, now: number): void {
    const control = this.#control;
    control.count(this, bytes - this.bytes);
    this.bytes = bytes;
    this.#countedFrom = now;
    this.#silentSince = undefined;
    if (this.#kept >= control.step) this.client.keep();
    if (bytes >= control.askFrom) this.#check();
    if (!this.isStopped || control.isFull(this)) return;
    this.isStopped = false;
    control.stopped--;
    control.merges++;
    this.client.goOn();
  }

  #check(): void {
    const control = this.#control;
    if (!this.canConfirm) return control.checkSilent();
    if (this.#asked.length === 0) this.#ask();
    if (this.bytes >= control.askAgain || control.isPressed) this.#askAgain();
    // Sending the request may have made it full.
    if (this.isStopped || !control.isFull(this)) return;
    this.#askAgain();
    if (this.isStopped) return;
    this.isStopped = true;
    if (control.stopped++ === 0) control.onBehind();
    this.client.stop();
  }

  #askAgain(): void {
    if (this.#silentSince !== undefined) return;
    this.#silentSince = this.#control.clock.now();
    this.#control.watch();
    for (let missing = 2 - this.#asked.length; missing > 0; missing--) this.#ask();
  }

  #ask(): void {
    const token = crypto.getRandomValues(new Uint32Array(1))[0] as number;
    this.#asked.push({ token, sent: this.#sent });
    const spread = this.#control.size * SPREAD;
    const text = encodeRequest(token, spread);
    const isBinary = this.client.protocol === 3;
    this.client.write(isBinary ? withText(writeSyncFrame({ confirm: token, spread }), () => text) : text);
  }
}

/** The most bytes that all clients of an object were sent … */
export interface FlowLimits {
  /** … and have not confirmed. */
  readonly maxUnconfirmedBytes: number;
  /** … without a sign of life, of those that cannot confirm. */
  readonly maxSilentBytes: number;
}

/**
 * Limits the unconfirmed bytes of an object's clients. Above the limit for all clients, those with more than an equal
 * share are stopped.
 */
export class FlowControl {
  /** After this many bytes, the unconfirmed bytes are stored with the socket. */
  readonly step: number;
  readonly ask: number;
  readonly askAgain: number;
  /** From so many bytes on a client is looked at. */
  askFrom = 0;
  /** The unconfirmed bytes of all that can confirm. */
  bytes = 0;
  /** How many clients are stopped now, how many were sent what they missed, and how many were closed. */
  stopped = 0;
  merges = 0;
  closed = 0;
  readonly #most: number;
  readonly #mostOfAll: number;
  readonly mostSilent: number;
  readonly clock: Clock;
  readonly onBehind: () => void;
  readonly #flows = new Map<Socket, Flow>();
  /** How many of them can confirm. They share the limit. */
  #sharers = 0;
  #equalShare = 0;
  /** Bytes sent to clients that cannot confirm, since their last sign of life. */
  silent = 0;
  #isWatching = false;

  /** @param onBehind called when the first client is stopped */
  constructor({ maxUnconfirmedBytes: mostOfAll, maxSilentBytes }: FlowLimits, clock: Clock, onBehind: () => void) {
    this.#mostOfAll = mostOfAll;
    this.mostSilent = maxSilentBytes;
    this.#most = Math.min(MOST, mostOfAll / 4);
    this.askAgain = Math.min(ASK_AGAIN, mostOfAll / 6);
    this.ask = Math.min(ASK, mostOfAll / 16);
    this.step = this.ask / 4;
    this.clock = clock;
    this.onBehind = onBehind;
  }

  /** @param kept the value that was stored with its socket */
  add(client: FlowClient, kept?: number): Flow {
    const flow = new Flow(this, client, kept);
    this.#flows.set(client.socket, flow);
    this.count(flow, flow.bytes);
    this.#share(flow, 1);
    return flow;
  }

  /** A socket has ended, and its packets are no longer in memory. */
  ended(socket: Socket): void {
    const flow = this.#flows.get(socket);
    if (!flow) return;
    this.#flows.delete(socket);
    flow.closes();
    this.count(flow, -flow.bytes);
    this.#share(flow, -1);
  }

  /** @internal */
  count({ canConfirm }: Flow, bytes: number): void {
    if (canConfirm) this.bytes += bytes;
    else this.silent += bytes;
  }

  /** Whether many bytes are unconfirmed: clients are not to hold back confirmations. */
  get isPressed(): boolean {
    return this.bytes >= this.#mostOfAll * 0.75;
  }

  /** Whether all together have too many unconfirmed bytes. */
  get isOver(): boolean {
    return this.bytes >= this.#mostOfAll;
  }

  /** Whether nothing more may be sent to a client. */
  isFull({ bytes }: Flow): boolean {
    return bytes >= this.#most || (this.isOver && bytes >= this.#equalShare);
  }

  get size(): number {
    return this.#flows.size;
  }

  /** Closes clients that cannot confirm if they were sent too much without a sign of life, the largest first. */
  checkSilent(): void {
    if (this.silent < this.mostSilent) return;
    const silent = [...this.#flows.values()].filter(({ canConfirm }) => !canConfirm);
    for (const flow of silent) flow.lookForPing();
    if (this.silent < this.mostSilent) return;
    silent.reduce((most, flow) => (flow.bytes > most.bytes ? flow : most)).giveUp();
  }

  /** From now on, clients that were asked again are checked for confirmations. */
  watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    const look = () => {
      this.#isWatching = false;
      const now = this.clock.now();
      for (const flow of this.#flows.values()) if (flow.look(now)) this.watch();
    };
    this.clock.after(LOOK_EVERY, look, "confirm");
  }

  /** @param change of how many there are */
  #share({ canConfirm }: Flow, change: number): void {
    if (canConfirm) this.#sharers += change;
    this.#equalShare = Math.max(this.#mostOfAll / this.#sharers, LEAST);
    this.askFrom = Math.min(this.ask, this.#equalShare / 2);
  }
}
