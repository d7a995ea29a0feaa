/**
 * The emits that were sent and are not known to have arrived. Nothing answers them; but a connection carries messages in
 * their order, so the answer to a ping or a call shows that all emits before it arrived.
 */
export class SentEmits {
  /** In their order. */
  #actions: string[] = [];
  /** How many others were sent before these, over all connections. */
  #settled = 0;

  get isEmpty(): boolean {
    return this.#actions.length === 0;
  }

  add(action: string): void {
    this.#actions.push(action);
  }

  /** @returns what is to be called when something that is sent now was answered: then all emits before it arrived */
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
