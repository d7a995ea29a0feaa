import { isSignal } from "@signe/reactive";
import type { ComputedSignal } from "@signe/reactive";

/**
 * This file and `tracking.ts` are the only ones that use private parts of `@signe/reactive`. `npm run test:reactive`
 * checks which versions have them.
 */

/** A value, and the signals that it was computed from. */
export interface Reading {
  readonly value: unknown;
  readonly signals: Iterable<unknown>;
}

/**
 * Makes a computed signal that is correct whenever it is read.
 *
 * A computed signal of `@signe/reactive` subscribes only to the signals that its first run read: `leader` over an empty
 * record of players never notices a score. Here every read computes the value again, and a reader depends on the
 * signals of that run. Subscribing to the original's observable runs its function at once, since every signal is a
 * BehaviorSubject. That is the public way to run it.
 */
export function liveComputed<T>(source: ComputedSignal<T>): ComputedSignal<T> {
  // Without dependencies there is nothing that could change.
  const read = source.dependencies.size === 0 ? () => source() : () => compute(source);
  return Object.assign(read, {
    observable: source.observable,
    subscription: source.subscription,
    dependencies: source.dependencies,
  }) as ComputedSignal<T>;
}

function compute<T>(source: ComputedSignal<T>): T {
  let outcome: { value: T } | { error: unknown } | undefined;
  source.observable
    .subscribe({ next: (value) => (outcome = { value }), error: (error: unknown) => (outcome = { error }) })
    .unsubscribe();
  if (outcome === undefined) return source();
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}

/**
 * Reads a computed signal, and returns the signals that it depends on. `computed` of `@signe/reactive` could do the
 * same, but it subscribes to all of them, and brings the operators of rxjs into Workers without computed signals.
 */
export function readComputed(source: ComputedSignal): Reading {
  return readTracked(source);
}

/** Runs a function that reads signals. @returns its result and the signals */
export function readTracked<T>(read: () => T): { readonly value: T; readonly signals: Iterable<unknown> } {
  const signals = new Set<unknown>();
  return { value: trackReads(read, (signal) => signals.add(signal)), signals };
}

/** Runs a function and reports each signal that it reads, also to functions around it that track reads. */
export function trackReads<T>(read: () => T, onRead: (signal: unknown) => void): T {
  const store = trackers();
  const previous = store.currentDependencyTracker;
  store.currentDependencyTracker = (signal) => {
    onRead(signal);
    previous?.(signal);
  };
  try {
    return read();
  } finally {
    store.currentDependencyTracker = previous;
  }
}

/** The trackers that `@signe/reactive` calls for each signal that is read. All of its instances share them. */
interface Trackers {
  currentDependencyTracker: ((signal: unknown) => void) | null;
}

function trackers(): Trackers {
  return (globalThis as unknown as { __REACTIVE_STORE__: Trackers }).__REACTIVE_STORE__;
}

/** Observes a set of signals that may change with each read. */
export class Observer {
  readonly #onChange: () => void;
  /** Undefined without signals: in a crowd, thousands of observers never have any. */
  #active: Map<unknown, { unsubscribe(): void }> | undefined;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Observes exactly these signals. */
  observe(signals: Iterable<unknown>): void {
    const next = new Map<unknown, { unsubscribe(): void }>();
    for (const signal of signals) {
      if (!isSignal(signal) || next.has(signal)) continue;
      next.set(signal, this.#active?.get(signal) ?? this.#subscribe(signal as Observable));
      this.#active?.delete(signal);
    }
    this.stop();
    if (next.size > 0) this.#active = next;
  }

  stop(): void {
    for (const subscription of this.#active?.values() ?? []) subscription.unsubscribe();
    this.#active = undefined;
  }

  #subscribe(signal: Observable): { unsubscribe(): void } {
    // A signal calls a new subscriber with its value at once. That is not a change.
    let isReady = false;
    const subscription = signal.observable.subscribe(() => {
      if (isReady) this.#onChange();
    });
    isReady = true;
    return subscription;
  }
}

interface Observable {
  observable: { subscribe(next: () => void): { unsubscribe(): void } };
}
