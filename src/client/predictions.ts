type Plain = Readonly<Record<string, unknown>>;

/** The expected effect of an action on the state. */
export interface Prediction {
  readonly apply: (state: Plain) => Plain;
  /** The server has done it, and the next packet includes it. */
  isConfirmed?: boolean;
}

/**
 * The predictions that a client shows before the server has run the actions, in order.
 *
 * A failed prediction is dropped at once. After an acknowledgement it stays until the state includes the changes: it
 * does so already, or with the next sync packet, however late. Since a room sends all changes at once, any packet after
 * the acknowledgement includes them.
 */
export class Predictions {
  readonly #pending = new Set<Prediction>();

  add(prediction: Prediction): void {
    this.#pending.add(prediction);
  }

  /** @returns whether it was displayed */
  drop(prediction: Prediction): boolean {
    return this.#pending.delete(prediction);
  }

  /** A sync packet arrived: it includes everything that was confirmed before it. */
  dropConfirmed(): void {
    for (const prediction of this.#pending) if (prediction.isConfirmed) this.#pending.delete(prediction);
  }

  /** @returns the state with all predictions, or the state itself */
  applyTo(state: Plain): Plain {
    let expected = state;
    for (const { apply } of this.#pending) expected = applySafely(apply, expected);
    return expected;
  }
}

/** A prediction that throws has no effect: it was valid for the state when it was made, but not for the present one. */
function applySafely(apply: Prediction["apply"], state: Plain): Plain {
  try {
    return apply(state);
  } catch {
    return state;
  }
}
