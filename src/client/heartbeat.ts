import { network } from "./network.ts";

/** What is needed of a browser's document; elsewhere there is none. */
type Page = EventTarget & { readonly visibilityState: string };

/** The callbacks of a {@link Heartbeat}. */
export interface HeartbeatEvents {
  /** Sends a ping. @returns is called when this ping was answered */
  readonly ping: () => () => void;
  /** Whether the client waits for an answer, or sent something of which it does not know whether it arrived. */
  readonly isWaiting: () => boolean;
  /** The line is not suspect any more. */
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
/** So long after something was sent the line is asked, if nothing came meanwhile; and after the longer time if packets come. */
const CHECK_AFTER = 2500;
const CHECK_BUSY_AFTER = 10_000;
/** A ping has this many latencies to be answered, between these bounds: the longer one before anything ever came. */
const LATENCIES = 4;
const ANSWER_TIME = 4000;
const LONG_ANSWER_TIME = 10_000;
const LONGEST_ANSWER_TIME = 60_000;

/**
 * Pings the room: on opening, every 30 seconds, when the page is shown, and soon after something was sent that is not
 * known to have arrived. It measures how long an answer takes, and finds connections that died without a word. The
 * answer comes from the runtime, so no room wakes up for it.
 */
export class Heartbeat {
  /** How long the last answer took, in ms. */
  latency: number | undefined;
  readonly #events: HeartbeatEvents;
  readonly #page = (globalThis as { document?: Page }).document;
  #next: Timer | undefined;
  #check: Timer | undefined;
  #deadline: Timer | undefined;
  /** The pings that are not answered: they are in their order. */
  #pings: Ping[] = [];
  #pingedAt = 0;
  #heardAt = -Infinity;
  #misses = 0;
  #isSuspect = false;

  constructor(events: HeartbeatEvents) {
    this.#events = events;
  }

  /** Whether the browser went offline, and no ping was answered since: what is sent now may be lost. */
  get isSuspect(): boolean {
    return this.#isSuspect;
  }

  /** The connection is open, and what waited is sent. */
  start(): void {
    this.#page?.addEventListener("visibilitychange", this.#visibilityChanged);
    network.addEventListener?.("offline", this.#offline);
    network.addEventListener?.("online", this.#online);
    this.#ping();
  }

  stop(): void {
    this.#page?.removeEventListener("visibilitychange", this.#visibilityChanged);
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

  /** Something arrived, so the connection lives. */
  heard(isPong: boolean): void {
    this.#heardAt = performance.now();
    // It may have been sent before the browser went offline, so it does not show that the connection works.
    if (this.#isSuspect && !isPong) return;
    this.#misses = 0;
    cancel(this.#deadline);
    this.#deadline = undefined;
    // Not set by a timer: browsers run those that one timer set after the other only once a minute in hidden pages.
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

  /** Asks the line whether it lives, unless it was asked already. */
  readonly #ping = (): void => {
    if (this.#deadline !== undefined) return;
    cancel(this.#next);
    this.#next = undefined;
    this.#deadline = setTimeout(this.#missed, this.#answerTime());
    this.#pingedAt = performance.now();
    this.#pings.push({ sentAt: this.#pingedAt, answered: this.#events.ping() });
  };

  /** Twice as long after each miss, so that a connection that is only slow is not ended again and again. */
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

  /** A line that did not answer since the browser went offline is seldom the one that is there now. */
  readonly #online = (): void => {
    if (this.#isSuspect) this.#end();
    else this.#ping();
  };
}

function cancel(timer: Timer | undefined): void {
  if (timer !== undefined) clearTimeout(timer);
}
