import { network } from "./network.ts";

/** The part of a browser's document that is used. Other platforms have none. */
type Page = EventTarget & { readonly visibilityState: string };

/** The callbacks of a {@link Heartbeat}. */
export interface HeartbeatEvents {
  /** Sends a ping. @returns a function that is called when this ping was answered */
  readonly ping: () => () => void;
  /** Whether the client waits for an answer, or sent something that may not have arrived. */
  readonly isWaiting: () => boolean;
  /** The connection is no longer suspect. */
  readonly trusted: () => void;
  /** The connection is dead. */
  readonly dead: () => void;
}

interface Ping {
  readonly sentAt: number;
  readonly answered: () => void;
}

type Timer = ReturnType<typeof setTimeout>;

const PING_EVERY = 30_000;
/**
 * The connection is checked this long after something was sent, if nothing arrived meanwhile; and after the longer time
 * if packets arrive.
 */
const CHECK_AFTER = 2500;
const CHECK_BUSY_AFTER = 10_000;
/** A ping may take this many latencies, within these bounds. The longer bound applies before anything has arrived. */
const LATENCIES = 4;
const ANSWER_TIME = 4000;
const LONG_ANSWER_TIME = 10_000;
const LONGEST_ANSWER_TIME = 60_000;

/**
 * Pings the room: after connecting, every 30 seconds, when the page is shown, and soon after a message that is not
 * known to have arrived. It measures the latency, and finds connections that died silently. The runtime answers pings,
 * so no room wakes for them.
 */
export class Heartbeat {
  /** The last latency, in ms. */
  latency: number | undefined;
  readonly #events: HeartbeatEvents;
  readonly #page = (globalThis as { document?: Page }).document;
  #next: Timer | undefined;
  #check: Timer | undefined;
  #deadline: Timer | undefined;
  /** The unanswered pings, in order. */
  #pings: Ping[] = [];
  #pingedAt = 0;
  #heardAt = -Infinity;
  #misses = 0;
  #isSuspect = false;

  constructor(events: HeartbeatEvents) {
    this.#events = events;
  }

  /** Whether the browser went offline, and no ping was answered since. Messages that are sent now may be lost. */
  get isSuspect(): boolean {
    return this.#isSuspect;
  }

  /** The connection is open, and waiting messages were sent. */
  start(): void {
    this.#page?.addEventListener?.("visibilitychange", this.#visibilityChanged);
    network.addEventListener?.("offline", this.#offline);
    network.addEventListener?.("online", this.#online);
    this.#ping();
  }

  stop(): void {
    this.#page?.removeEventListener?.("visibilitychange", this.#visibilityChanged);
    network.removeEventListener?.("offline", this.#offline);
    network.removeEventListener?.("online", this.#online);
    for (const timer of [this.#next, this.#check, this.#deadline]) cancel(timer);
    this.#next = this.#check = this.#deadline = undefined;
    this.#pings = [];
    this.#isSuspect = false;
  }

  /** A message was sent. */
  sent(): void {
    this.#check ??= setTimeout(this.#checkLine, CHECK_AFTER);
  }

  /** Something arrived, so the connection is alive. */
  heard(isPong: boolean): void {
    this.#heardAt = performance.now();
    // It may have been sent before the browser went offline, so it does not prove that the connection works.
    if (this.#isSuspect && !isPong) return;
    this.#misses = 0;
    cancel(this.#deadline);
    this.#deadline = undefined;
    // Not set by a timer, since browsers run chained timers only once a minute in hidden pages.
    this.#next ??= setTimeout(this.#ping, Math.max(0, PING_EVERY - (this.#heardAt - this.#pingedAt)));
    if (isPong) this.#answered();
  }

  #answered(): void {
    const ping = this.#pings.shift();
    if (!ping) return;
    this.latency = this.#heardAt - ping.sentAt;
    ping.answered();
    if (!this.#isSuspect) return;
    this.#isSuspect = false;
    this.#events.trusted();
  }

  /** Checks the connection, unless a check is in progress. */
  readonly #ping = (): void => {
    if (this.#deadline !== undefined) return;
    cancel(this.#next);
    this.#next = undefined;
    this.#deadline = setTimeout(this.#missed, this.#answerTime());
    this.#pingedAt = performance.now();
    this.#pings.push({ sentAt: this.#pingedAt, answered: this.#events.ping() });
  };

  /** Twice as long after each miss, so that a slow connection is not closed again and again. */
  #answerTime(): number {
    const isNew = this.#heardAt === -Infinity;
    const expected = isNew ? Infinity : LATENCIES * (this.latency ?? 0);
    const usual = Math.min(Math.max(expected, ANSWER_TIME), LONG_ANSWER_TIME);
    return Math.min(usual * 2 ** this.#misses, LONGEST_ANSWER_TIME);
  }

  readonly #checkLine = (): void => {
    this.#check = undefined;
    if (!this.#events.isWaiting()) return;
    const now = performance.now();
    const silence = now - this.#heardAt;
    if (silence >= CHECK_AFTER || now - this.#pingedAt >= CHECK_BUSY_AFTER) this.#ping();
    this.#check = setTimeout(this.#checkLine, silence < CHECK_AFTER ? CHECK_AFTER - silence : CHECK_AFTER);
  };

  readonly #missed = (): void => {
    this.#misses++;
    this.#end();
  };

  #end(): void {
    this.stop();
    this.#events.dead();
  }

  readonly #visibilityChanged = (): void => {
    if (this.#page?.visibilityState !== "hidden") this.#ping();
  };

  readonly #offline = (): void => {
    this.#isSuspect = true;
    this.#ping();
  };

  /** A connection that has not answered since the browser went offline rarely works afterwards. */
  readonly #online = (): void => {
    if (this.#isSuspect) this.#end();
    else this.#ping();
  };
}

function cancel(timer: Timer | undefined): void {
  if (timer !== undefined) clearTimeout(timer);
}
