type Listener<T> = (value: T) => void;

/** Those who want to be told of something. One that throws keeps nobody else from hearing of it. */
export class Listeners<T> {
  readonly #listeners = new Set<Listener<T>>();

  add(listener: Listener<T>): void {
    this.#listeners.add(listener);
  }

  delete(listener: Listener<T>): void {
    this.#listeners.delete(listener);
  }

  tell(value: T): void {
    for (const listener of Array.from(this.#listeners)) {
      // One that was removed by another, just now, hears nothing any more.
      if (this.#listeners.has(listener)) callSafely(listener, value);
    }
  }
}

function callSafely<T>(listener: Listener<T>, value: T): void {
  try {
    listener(value);
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

  tell(type: string, value: unknown): void {
    this.#types.get(type)?.tell(value);
  }
}
