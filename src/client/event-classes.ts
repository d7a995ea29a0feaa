type Listener = (event: object) => void;

class NativeEventTarget {
  readonly #listeners = new Map<string, Set<Listener>>();

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, (this.#listeners.get(type) ?? new Set()).add(listener));
  }

  removeEventListener(type: string, listener: Listener): void {
    this.#listeners.get(type)?.delete(listener);
  }

  dispatchEvent(event: { readonly type: string }): boolean {
    for (const listener of this.#listeners.get(event.type) ?? []) listener(event);
    return true;
  }
}

class NativeEvent {
  readonly type: string;
  readonly data: unknown;

  constructor(type: string, init?: { readonly data?: unknown }) {
    this.type = type;
    this.data = init?.data;
  }
}

// React Native has none of the classes that partysocket uses. Existing classes are not replaced.
const scope = globalThis as Record<string, unknown>;
scope["EventTarget"] ??= NativeEventTarget;
scope["Event"] ??= NativeEvent;
scope["MessageEvent"] ??= NativeEvent;
