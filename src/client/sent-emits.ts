/**
 * The emits that were sent and may not have arrived. Nothing answers them. Since a connection keeps the order of
 * messages, the answer to a ping or a call shows that all earlier emits arrived.
 */
export class SentEmits {
  /** In order. */
  #actions: string[] = [];
  /** The number of emits before these, over all connections. */
  #settled = 0;

  get isEmpty(): boolean {
    return this.#actions.length === 0;
  }

  add(action: string): void {
    this.#actions.push(action);
  }

  /**
   * @returns a function to call when something that is sent now was answered. It shows that all earlier emits arrived
   */
  mark(): () => void {
    const end = this.#settled + this.#actions.length;
    return () => {
      if (end > this.#settled) this.#take(end - this.#settled);
    };
  }

  /** The connection broke. @returns the emits that may be lost */
  takeAll(): string[] {
    return this.#take(this.#actions.length);
  }

  #take(count: number): string[] {
    this.#settled += count;
    return this.#actions.splice(0, count);
  }
}
