import { applyPatch } from "../protocol/apply-patch.ts";
import { Listeners } from "./listeners.ts";
import { Predictions } from "./predictions.ts";
import type { Prediction } from "./predictions.ts";
import { shareStructure } from "./structural-sharing.ts";

type Plain = Readonly<Record<string, unknown>>;

/**
 * The state that the packets describe, and the state that is shown: with predictions. Both are immutable; parts that
 * did not change keep their identity.
 */
export class Store {
  readonly #listeners = new Listeners<void>();
  readonly #predictions = new Predictions(() => this.#show());
  #server: Plain = {};
  #shown: Plain = this.#server;
  #hasState = false;

  get state(): Plain {
    return this.#shown;
  }

  /** Takes the whole state. Parts that are equal keep their identity. */
  replace(value: Plain): void {
    const whole = applyPatch({}, value);
    // Listeners are called for the first state even if it is empty.
    this.#take(this.#hasState ? shareStructure(this.#server, whole) : whole);
    this.#hasState = true;
  }

  /** @param before the state that it continues */
  patch(value: Plain, before = this.#server): void {
    this.#take(applyPatch(before, value));
  }

  /** The state that the packets describe. */
  get server(): Plain {
    return this.#server;
  }

  /**
   * Takes a patch of all that changed while offline. What changed and changed back is in it too, and keeps its identity.
   * @param before the state that it continues
   */
  resume(value: Plain, before = this.#server): void {
    this.#take(shareStructure(this.#server, applyPatch(before, value)));
  }

  /** Shows the expected result of an action. */
  predict(prediction: Prediction): void {
    this.#predictions.add(prediction);
    this.#show();
  }

  /** The server did it. @param isIncluded whether the state includes it already */
  confirm(prediction: Prediction, isIncluded: boolean): void {
    this.#predictions.confirm(prediction, isIncluded);
  }

  drop(prediction: Prediction): void {
    this.#predictions.drop(prediction);
  }

  /** Nothing more will come, so predictions that the server confirmed are not waited for any longer. */
  dropConfirmed(): void {
    this.#predictions.dropConfirmed();
    this.#show();
  }

  subscribe(listener: (state: Plain) => void): () => void {
    // The same function may subscribe twice, and each subscription ends by itself.
    const own = () => listener(this.#shown);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  #take(server: Plain): void {
    const isExact = this.#shown === this.#server;
    this.#server = server;
    this.#predictions.dropConfirmed();
    this.#show(isExact);
  }

  /** @param isExact whether the server's last state was shown: then parts of the new one have the right identity already */
  #show(isExact = false): void {
    const expected = this.#predictions.applyTo(this.#server);
    const isPlain = expected === this.#server;
    const next = isExact && isPlain ? expected : shareStructure(this.#shown, expected);
    // They are equal: from now on both are the same object.
    if (isPlain) this.#server = next;
    if (next === this.#shown) return;
    this.#shown = next;
    this.#listeners.notify();
  }
}
