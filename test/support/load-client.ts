import { isSignal } from "@signe/reactive";
import { load } from "@signe/sync";
import { applyPatchInPlace } from "../../src/protocol/apply-patch.ts";
import { withoutEmpty } from "../../src/testing/expected-view.ts";

/**
 * A client that uses `load` of `@signe/sync`. If packets have numbers (protocol 2), it takes objects as they are
 * (P5.4).
 */
export class LoadClient {
  readonly instance: Record<string, unknown>;
  #takesObjects: boolean;

  /**
   * @param instance where packets are loaded: a plain object, or the client's own signals
   * @param takesObjects whether it uses protocol 2 or later, for connections whose packets have no numbers
   */
  constructor(instance: object = {}, takesObjects = false) {
    this.#takesObjects = takesObjects;
    this.instance = instance as Record<string, unknown>;
  }

  receive(text: string): void {
    const packet = JSON.parse(text) as { type: string; seq?: number; value: Record<string, unknown> };
    if (packet.type !== "sync") return;
    this.#takesObjects ||= packet.seq !== undefined;
    const { pId: _, ...value } = packet.value;
    if (this.#takesObjects) applyPatchInPlace(this.instance, value);
    else load(this.instance, value, true);
  }

  get state(): unknown {
    return visible(this.instance);
  }
}

/** A client's value in the form that convergence compares: with signals read, and without empty objects. */
export function visible(value: unknown): unknown {
  return withoutEmpty(read(value));
}

function read(value: unknown): unknown {
  if (isSignal(value)) return read((value as () => unknown)());
  if (Array.isArray(value)) return JSON.parse(JSON.stringify(value)) as unknown;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, read(inner)]));
}
