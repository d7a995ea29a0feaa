/** What is needed of a browser's document; elsewhere there is none. */
type Page = EventTarget & { readonly visibilityState: string };

const PING_EVERY = 30_000;
const ANSWER_TIME = 10_000;
const LONGEST_ANSWER_TIME = 60_000;

/**
 * Pings the room on opening and every 30 seconds while the page is visible: it measures how long an answer takes,
 * and finds connections that died without a word. The answer comes from the runtime, so no room wakes up for it.
 */
export class Heartbeat {
  /** How long the last answer took, in ms. */
  latency: number | undefined;
  readonly #ping: () => void;
  readonly #dead: () => void;
  readonly #page = (globalThis as { document?: Page }).document;
  #interval: ReturnType<typeof setInterval> | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #sentAt = 0;
  #misses = 0;

  /** @param dead is called if nothing comes for 10 seconds after a ping */
  constructor(ping: () => void, dead: () => void) {
    this.#ping = ping;
    this.#dead = dead;
  }

  /** The connection is open. */
  start(): void {
    this.stop();
    this.#interval = setInterval(this.#beat, PING_EVERY);
    this.#page?.addEventListener("visibilitychange", this.#beat);
    this.#send();
  }

  stop(): void {
    if (this.#interval !== undefined) clearInterval(this.#interval);
    this.#interval = undefined;
    this.#clear();
    this.#page?.removeEventListener("visibilitychange", this.#beat);
  }

  /** Something arrived, so the connection lives. */
  heard(isPong: boolean): void {
    this.#clear();
    this.#misses = 0;
    if (isPong) this.latency = performance.now() - this.#sentAt;
  }

  readonly #beat = (): void => {
    if (this.#page?.visibilityState !== "hidden" && this.#deadline === undefined) this.#send();
  };

  #send(): void {
    // Twice as long after each miss, so that a connection that is only slow is not ended again and again.
    this.#deadline = setTimeout(this.#missed, Math.min(ANSWER_TIME * 2 ** this.#misses, LONGEST_ANSWER_TIME));
    this.#sentAt = performance.now();
    this.#ping();
  }

  #clear(): void {
    if (this.#deadline !== undefined) clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  readonly #missed = (): void => {
    this.#misses++;
    this.stop();
    this.#dead();
  };
}
