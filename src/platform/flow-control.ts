import { withText } from "../protocol/binary/frame-text.ts";
import { writeSyncFrame } from "../protocol/binary/frames.ts";
import { RoomError } from "../protocol/errors.ts";
import { encodeRequest } from "../protocol/packets.ts";
import type { FlowReport } from "./metrics.ts";
import type { Clock, SentFrame, Socket } from "./ports.ts";

/** A client is asked to confirm what it was sent after so many bytes, and asked again after so many. */
const ASK = 64_000;
const ASK_AGAIN = 1_200_000;
/** With so many unconfirmed bytes, nothing more is sent to it. */
const MOST = 1_500_000;
/** What a frame takes in memory beside its bytes. */
const FRAME = 100;
/** A client that was asked twice, and confirms nothing for so long, is closed. In ms. */
const SILENCE = 90_000;
const LOOK_EVERY = 5000;
/** For each client that loses its connection together with others, they come back over so many ms more: 500 a second. */
export const SPREAD = 2;

/** The connection whose unconfirmed bytes a {@link Flow} counts. */
export interface FlowClient {
  /** In the first one it cannot confirm. */
  readonly protocol: number;
  readonly socket: Socket;
  /** Sends a frame, whatever waits. */
  write(frame: SentFrame): void;
  /** Nothing more may be sent to it. */
  stop(): void;
  /** It has confirmed enough: it may be sent what it missed. */
  goOn(): void;
  /** {@link Flow.toKeep} is to be stored with its socket. */
  keep(): void;
  /** Closes it, since it showed no sign of life for too long. */
  refuse(error: RoomError): void;
}

/**
 * How much of what one client was sent is unconfirmed. What a client does not read takes memory of the object, and the
 * runtime does not say how much: https://github.com/cloudflare/workerd/issues/988
 *
 * Tokens are random, so that only who reads can confirm. A client holds the answer to a request until it sends something
 * anyway; if it is asked again meanwhile, it answers at once.
 */
export class Flow {
  /** The bytes that are not confirmed. */
  bytes: number;
  /** Whether nothing is sent until the client confirms. */
  isStopped = false;
  readonly client: FlowClient;
  readonly canConfirm: boolean;
  readonly #control: FlowControl;
  /** All that was ever counted, and how much of it when that was stored last. */
  #sent: number;
  #sentAtKeep: number;
  #kept: number;
  /** The requests that it has not answered, with what was sent before. */
  #asked: { readonly token: number; readonly sent: number }[] = [];
  #countedFrom: number;
  /** When it was asked again; undefined while it has not been. */
  #silentSince: number | undefined;

  /** @param kept what was stored with its socket */
  constructor(control: FlowControl, client: FlowClient, kept: number | undefined) {
    this.#control = control;
    this.client = client;
    this.canConfirm = client.protocol !== 1;
    this.#kept = kept ?? 0;
    // What it was sent after that was stored is not known. It was less than a step.
    this.bytes = this.#sent = kept === undefined ? 0 : kept + control.step;
    this.#sentAtKeep = this.#kept;
    this.#countedFrom = control.clock.now();
  }

  /** What has to survive sleep. */
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
    // Nothing bounds a client that cannot confirm, unless the room says so: then it is neither kept nor looked at.
    if (!this.canConfirm && this.#control.mostSilent === Infinity) return;
    if (this.#sent - this.#sentAtKeep >= this.#control.step) this.client.keep();
    if (this.bytes >= this.#control.askFrom) this.#check();
  }

  /**
   * The client confirms what it had been sent when it was asked.
   * @returns whether it was asked with this token
   */
  confirm(token: number): boolean {
    const at = this.#asked.findIndex((request) => request.token === token);
    if (at < 0) return false;
    const confirmed = this.#asked.splice(0, at + 1).at(-1) as { sent: number };
    this.#settle(this.#sent - confirmed.sent);
    return true;
  }

  /** A message came. Of who cannot confirm, nothing else shows that it is there. */
  heard(): void {
    if (!this.canConfirm) this.#settle(0);
  }

  /** The same for pings. */
  lookForPing(): void {
    if (this.client.socket.pingedAt > this.#countedFrom) this.#settle(0);
  }

  /** Time has passed. @returns whether a confirmation is waited for */
  look(now: number): boolean {
    if (this.#silentSince === undefined) return false;
    if (now - this.#silentSince < SILENCE) return true;
    this.giveUp();
    return false;
  }

  giveUp(): void {
    this.#control.closed++;
    this.client.refuse(new RoomError("too_slow", "The client does not read what it is sent"));
  }

  /**
   * The connection is closed. What its client did not read stays in memory until its socket ends. Of a client that cannot
   * confirm, nobody knows how much that is.
   */
  closes(): void {
    if (this.isStopped) this.#control.stopped--;
    this.isStopped = false;
    this.#silentSince = undefined;
    if (!this.canConfirm) this.#control.ended(this.client.socket);
  }

  #settle(bytes: number): void {
    const control = this.#control;
    control.count(this, bytes - this.bytes);
    this.bytes = bytes;
    this.#countedFrom = control.clock.now();
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
    // To ask sends something too.
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
 * Bounds what the clients of an object were sent and have not confirmed. Above the bound of all, those who have most are
 * stopped first: each that has more than its share.
 */
export class FlowControl {
  /** After so many bytes, what is unconfirmed is stored with the socket. */
  readonly step: number;
  readonly ask: number;
  readonly askAgain: number;
  /** From so many bytes on a client is looked at. */
  askFrom = 0;
  /** The unconfirmed bytes of all that can confirm. */
  bytes = 0;
  /** How many clients are stopped now, and how many were sent what they missed, and were given up. */
  stopped = 0;
  merges = 0;
  closed = 0;
  readonly #most: number;
  readonly #mostOfAll: number;
  readonly mostSilent: number;
  readonly clock: Clock;
  readonly onBehind: () => void;
  readonly #flows = new Map<Socket, Flow>();
  /** How many of these can confirm: they share the bound. */
  #sharers = 0;
  /** What those that cannot confirm were sent since they last showed that they live. */
  #silent = 0;
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

  /** @param kept what was stored with its socket */
  add(client: FlowClient, kept?: number): Flow {
    const flow = new Flow(this, client, kept);
    this.#flows.set(client.socket, flow);
    this.count(flow, flow.bytes);
    this.#share(flow, 1);
    return flow;
  }

  /** A socket has ended, and nothing of it is in memory any more. */
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
    else this.#silent += bytes;
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
    return bytes >= this.#most || (this.isOver && bytes >= this.#mostOfAll / this.#sharers);
  }

  get size(): number {
    return this.#flows.size;
  }

  get report(): FlowReport {
    return {
      unconfirmedBytes: this.bytes + this.#silent,
      behind: this.stopped,
      merges: this.merges,
      tooSlow: this.closed,
    };
  }

  /** Closes those who cannot confirm, if they were sent too much without a sign of life: who was sent most first. */
  checkSilent(): void {
    if (this.#silent < this.mostSilent) return;
    const silent = [...this.#flows.values()].filter(({ canConfirm }) => !canConfirm);
    for (const flow of silent) flow.lookForPing();
    if (this.#silent < this.mostSilent) return;
    silent.reduce((most, flow) => (flow.bytes > most.bytes ? flow : most)).giveUp();
  }

  /** From now on it is looked whether clients that were asked again confirm. */
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
    this.askFrom = Math.min(this.ask, this.#mostOfAll / 2 / this.#sharers);
  }
}
