type Plain = Readonly<Record<string, unknown>>;

/** What an action is expected to do to the state. */
export interface Prediction {
  readonly apply: (state: Plain) => Plain;
  /** The server did it, and the next packet includes it. */
  isConfirmed?: boolean;
}

/**
 * What the client shows before the server has done it, in the order in which it was asked for.
 *
 * A prediction that failed is dropped at once. After an ack it stays until the state includes what was done: it does
 * already, or else the next sync packet brings it, however late. A room sends all that has changed at once, so any
 * packet after the ack will do.
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

  /** The server did it. @param isIncluded whether the state includes it already */
  confirm(prediction: Prediction, isIncluded: boolean): void {
    if (isIncluded) this.drop(prediction);
    else prediction.isConfirmed = true;
  }

  drop(prediction: Prediction): void {
    if (this.#pending.delete(prediction)) this.#dropped();
  }

  /** A sync packet came: it includes what was confirmed before it. */
  dropConfirmed(): void {
    for (const prediction of this.#pending) if (prediction.isConfirmed) this.#pending.delete(prediction);
  }

  /** @returns the state with all that is expected, or the state itself */
  applyTo(state: Plain): Plain {
    let expected = state;
    for (const { apply } of this.#pending) expected = applySafely(apply, expected);
    return expected;
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
