import { applyPatch } from "../protocol/apply-patch.ts";
import { Listeners } from "./listeners.ts";
import { Predictions } from "./predictions.ts";
import type { Prediction } from "./predictions.ts";
import { shareStructure } from "./structural-sharing.ts";

type Plain = Readonly<Record<string, unknown>>;

/** The state as its packets made it, and as it is shown: with predictions. Immutable, and changed only where it changed. */
export class Store {
  readonly #listeners = new Listeners<void>();
  readonly #predictions = new Predictions(() => this.#show());
  #server: Plain = {};
  #shown: Plain = this.#server;
  #isThere = false;

  get state(): Plain {
    return this.#shown;
  }

  /** Takes the whole state: nothing stale stays, and what is equal keeps its identity. */
  replace(value: Plain): void {
    const whole = applyPatch({}, value);
    // Whoever waits for the first state hears of it even if it is empty.
    this.#take(this.#isThere ? shareStructure(this.#server, whole) : whole);
    this.#isThere = true;
  }

  patch(value: Plain): void {
    this.#take(applyPatch(this.#server, value));
  }

  /** Takes all that changed meanwhile. What changed and changed back is in it too, and keeps its identity. */
  resume(value: Plain): void {
    this.#take(shareStructure(this.#server, applyPatch(this.#server, value)));
  }

  /** Shows what is expected. */
  predict(prediction: Prediction): void {
    this.#predictions.add(prediction);
    this.#show();
  }

  confirm(prediction: Prediction): void {
    this.#predictions.confirm(prediction);
  }

  drop(prediction: Prediction): void {
    this.#predictions.drop(prediction);
  }

  /** Nothing more will come: what was done need not be waited for. */
  settle(): void {
    this.#predictions.settle();
    this.#show();
  }

  subscribe(listener: (state: Plain) => void): () => void {
    // The same function may be there twice, and each has its own end.
    const own = () => listener(this.#shown);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  #take(server: Plain): void {
    const isExact = this.#shown === this.#server;
    this.#server = server;
    this.#predictions.settle();
    this.#show(isExact);
  }

  /** @param isExact whether the server's last state was shown: then its parts have the identity that they should have */
  #show(isExact = false): void {
    const expected = this.#predictions.applyTo(this.#server);
    const isPlain = expected === this.#server;
    const next = isExact && isPlain ? expected : shareStructure(this.#shown, expected);
    // It is equal, so from here on the two go together.
    if (isPlain) this.#server = next;
    if (next === this.#shown) return;
    this.#shown = next;
    this.#listeners.tell();
  }
}
