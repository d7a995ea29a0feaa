import { applyPatch } from "../protocol/apply-patch.ts";
import { Listeners } from "./listeners.ts";
import { Predictions } from "./predictions.ts";
import type { Prediction } from "./predictions.ts";
import { shareStructure } from "./structural-sharing.ts";

type Plain = Readonly<Record<string, unknown>>;

/**
 * The state of the server, and the displayed state with predictions. Both are immutable. Unchanged parts keep their
 * identity.
 */
export class Store {
  readonly #listeners = new Listeners<void>();
  readonly #predictions = new Predictions();
  #server: Plain = {};
  #shown: Plain = this.#server;
  #hasState = false;

  get state(): Plain {
    return this.#shown;
  }

  /** Takes the whole state. Equal parts keep their identity. */
  replace(value: Plain): void {
    // Listeners are called for the first state even if it is empty.
    this.patch(value, {}, this.#hasState);
    this.#hasState = true;
  }

  /**
   * @param before the state that the patch applies to
   * @param isWhole whether the patch may include unchanged values, which keep their identity
   */
  patch(value: Plain, before = this.#server, isWhole = false): void {
    const next = applyPatch(before, value);
    this.#take(isWhole ? shareStructure(this.#server, next) : next);
  }

  /** The state of the server. */
  get server(): Plain {
    return this.#server;
  }

  /** Displays the expected result of an action. */
  predict(prediction: Prediction): void {
    this.#predictions.add(prediction);
    this.#show();
  }

  /** The server ran the action. @param isIncluded whether the state already includes it */
  confirm(prediction: Prediction, isIncluded: boolean): void {
    if (isIncluded) this.drop(prediction);
    else prediction.isConfirmed = true;
  }

  drop(prediction: Prediction): void {
    if (this.#predictions.drop(prediction)) this.#show();
  }

  /** No more packets will arrive, so confirmed predictions need not wait. */
  dropConfirmed(): void {
    this.#predictions.dropConfirmed();
    this.#show();
  }

  subscribe(listener: (state: Plain) => void): () => void {
    // The same function may subscribe twice, and each subscription ends separately.
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

  /** @param isExact whether the displayed state had no predictions. Its unchanged parts are then already shared */
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
