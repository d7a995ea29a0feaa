type Plain = Readonly<Record<string, unknown>>;

/** How long to wait for the packet with the change, if it comes after the ack. ms */
const CONFIRM_TIME = 100;

/** What an action is expected to do to the state. */
export interface Prediction {
  readonly apply: (state: Plain) => Plain;
  /** Runs from the ack on, until it is dropped. */
  timer?: ReturnType<typeof setTimeout>;
}

/**
 * What the client shows before the server has done it, in the order in which it was asked for.
 *
 * A prediction that failed is dropped at once. After an ack it stays until the state includes what was done: with
 * `throttleSync: 0` it does already, otherwise the next sync packet brings it. No packet says which of the two it
 * is, nor comes if nothing changed, so the prediction ends with whichever is first: a sync packet, or 100 ms.
 */
export class Predictions {
  readonly #dropped: () => void;
  readonly #pending = new Set<Prediction>();

  /** @param dropped is called after a prediction was dropped */
  constructor(dropped: () => void) {
    this.#dropped = dropped;
  }

  add(prediction: Prediction): void {
    this.#pending.add(prediction);
  }

  /** The server did it. */
  confirm(prediction: Prediction): void {
    if (!this.#pending.has(prediction)) return;
    prediction.timer = setTimeout(() => this.drop(prediction), CONFIRM_TIME);
  }

  drop(prediction: Prediction): void {
    if (this.#remove(prediction)) this.#dropped();
  }

  /** A sync packet came: it includes what was confirmed before it. */
  dropConfirmed(): void {
    for (const prediction of this.#pending) if (prediction.timer !== undefined) this.#remove(prediction);
  }

  /** @returns the state with all that is expected, or the state itself */
  applyTo(state: Plain): Plain {
    let expected = state;
    for (const { apply } of this.#pending) expected = applySafely(apply, expected);
    return expected;
  }

  #remove(prediction: Prediction): boolean {
    if (prediction.timer !== undefined) clearTimeout(prediction.timer);
    return this.#pending.delete(prediction);
  }
}

/** A prediction that throws has no effect: it fitted the state when it was made, and the state is another one by now. */
function applySafely(apply: Prediction["apply"], state: Plain): Plain {
  try {
    return apply(state);
  } catch {
    return state;
  }
}
