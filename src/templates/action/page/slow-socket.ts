/** A line that is made worse: all in ms, but for the share of frames that are lost on their way. */
export const line = { latency: 0, jitter: 0, loss: 0 };
/** How long it takes until a lost frame is sent again: those after it wait for it, as TCP does. */
const AGAIN = 250;

/** A WebSocket over such a line, half of whose latency is on the way there, and half on the way back. */
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

/** When a frame arrives: never before the one before it. */
function arrival(before: number): number {
  const wait = line.latency / 2 + Math.random() * line.jitter + (Math.random() < line.loss ? AGAIN : 0);
  return Math.max(before, performance.now() + wait);
}

function later(at: number, run: () => void): void {
  const wait = at - performance.now();
  if (wait <= 0) run();
  else setTimeout(run, wait);
}
