/** The simulated connection. Times are in ms. `loss` is the share of lost frames. */
export const line = { latency: 0, jitter: 0, loss: 0 };
/** The delay until a lost frame is sent again, in ms. Later frames wait for it, as with TCP. */
const AGAIN = 250;

/** A WebSocket with such a connection. Each direction has half of the latency. */
export class SlowSocket extends WebSocket {
  #sent = 0;
  #received = 0;

  override send(data: string): void {
    this.#sent = arrival(this.#sent);
    later(this.#sent, () => this.readyState === WebSocket.OPEN && super.send(data));
  }

  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: AddEventListenerOptions,
  ): void {
    if (type !== "message" || typeof listener !== "function") return super.addEventListener(type, listener, options);
    const own = (event: Event) => {
      this.#received = arrival(this.#received);
      later(this.#received, () => listener.call(this, event));
    };
    super.addEventListener(type, own, options);
  }
}

/** When a frame arrives: never before the previous one. */
function arrival(before: number): number {
  const wait = line.latency / 2 + Math.random() * line.jitter + (Math.random() < line.loss ? AGAIN : 0);
  return Math.max(before, performance.now() + wait);
}

function later(at: number, run: () => void): void {
  const wait = at - performance.now();
  if (wait <= 0) run();
  else setTimeout(run, wait);
}
