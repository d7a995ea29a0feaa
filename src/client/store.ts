import { applyPatch } from "../state/apply.ts";
import { share } from "./share.ts";

type Plain = Readonly<Record<string, unknown>>;

/** The state as its packets made it: immutable, and changed only where something changed. */
export class Store {
  readonly #listeners = new Set<(state: Plain) => void>();
  #state: Plain = {};

  get state(): Plain {
    return this.#state;
  }

  /** Takes a sync packet's value. @returns the publicId, in the first packet of a connection */
  take({ pId, ...value }: Plain): string | undefined {
    const isWhole = typeof pId === "string";
    // A first packet replaces everything, so that nothing stale stays; what is equal keeps its identity.
    const next = isWhole ? share(this.#state, applyPatch({}, value)) : applyPatch(this.#state, value);
    if (next !== this.#state) {
      this.#state = next;
      for (const listener of this.#listeners) listener(next);
    }
    return isWhole ? pId : undefined;
  }

  subscribe(listener: (state: Plain) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
