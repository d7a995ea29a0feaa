/** Gets a value, and the whole packet if there is one. */
type Listener<T> = (value: T, ...packet: object[]) => void;

/** A set of listeners. A listener that throws does not prevent others from being called. */
export class Listeners<T> {
  readonly #listeners = new Set<Listener<T>>();

  add(listener: Listener<T>): void {
    this.#listeners.add(listener);
  }

  delete(listener: Listener<T>): void {
    this.#listeners.delete(listener);
  }

  get isEmpty(): boolean {
    return this.#listeners.size === 0;
  }

  notify(...values: [value: T, ...packet: object[]]): void {
    for (const listener of Array.from(this.#listeners)) {
      // Another listener may have removed it.
      if (this.#listeners.has(listener)) callSafely(() => listener(...values));
    }
  }
}

export function callSafely(run: () => void): void {
  try {
    run();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** {@link Listeners} for each name of an event. */
export class Events {
  readonly #types = new Map<string, Listeners<unknown>>();

  on(type: string, listener: Listener<unknown>): () => void {
    const listeners = this.#types.get(type) ?? new Listeners();
    this.#types.set(type, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  off(type: string, listener: Listener<unknown>): void {
    this.#types.get(type)?.delete(listener);
  }

  /** @returns whether there is a listener */
  emit(type: string, value: unknown, ...packet: object[]): boolean {
    const listeners = this.#types.get(type);
    listeners?.notify(value, ...packet);
    return listeners !== undefined && !listeners.isEmpty;
  }
}
