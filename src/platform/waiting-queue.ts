import type { WaitingBudget } from "./waiting-budget.ts";

/** Each message counts as at least this many characters, since many small messages take memory too. */
const LEAST_WEIGHT = 2000;

/** The waiting messages of one client, in order. They count in a budget that the client shares with others. */
export class WaitingQueue<T, K> {
  readonly #budget: WaitingBudget<K>;
  readonly #key: K;
  readonly #user: string;
  readonly #sizeOf: (message: T) => number;
  #messages: T[] = [];

  /** @param sizeOf the characters or bytes of a message */
  constructor(budget: WaitingBudget<K>, key: K, user: string, sizeOf: (message: T) => number) {
    this.#budget = budget;
    this.#key = key;
    this.#user = user;
    this.#sizeOf = sizeOf;
  }

  get length(): number {
    return this.#messages.length;
  }

  /**
   * Adds a message. If too much waits, the budget has closed the client, and the message is dropped.
   * @param isOptional see {@link WaitingBudget.add}
   */
  push(message: T, isOptional?: boolean): void {
    if (this.#budget.add(this.#key, this.#user, this.#weightOf(message), isOptional)) this.#messages.push(message);
  }

  shift(): T | undefined {
    const message = this.#messages.shift();
    if (message !== undefined) this.#budget.remove(this.#key, this.#weightOf(message));
    return message;
  }

  /** Removes the first matching messages, up to a number. */
  remove(isMeant: (message: T) => boolean, most = 1): void {
    let left = most;
    this.#messages = this.#messages.filter((message) => {
      if (left === 0 || !isMeant(message)) return true;
      left--;
      this.#budget.remove(this.#key, this.#weightOf(message));
      return false;
    });
  }

  /** The weight of the matching messages. */
  weightOf(isMeant: (message: T) => boolean): number {
    return this.#messages.filter(isMeant).reduce((sum, message) => sum + this.#weightOf(message), 0);
  }

  clear(): void {
    this.#messages = [];
    this.#budget.clear(this.#key);
  }

  #weightOf(message: T): number {
    return Math.max(this.#sizeOf(message), LEAST_WEIGHT);
  }
}
