import { isSignal } from "@signe/reactive";
import { load } from "@signe/sync";

/** A client as `@signe/sync` makes it: it keeps what `load` made of its packets. */
export class LoadClient {
  readonly instance: Record<string, unknown>;

  /** @param instance what packets are loaded into: a plain object, or the client's own signals */
  constructor(instance: object = {}) {
    this.instance = instance as Record<string, unknown>;
  }

  receive(text: string): void {
    const packet = JSON.parse(text) as { type: string; value: Record<string, unknown> };
    if (packet.type !== "sync") return;
    const { pId: _, ...value } = packet.value;
    load(this.instance, value, true);
  }

  get state(): unknown {
    return visible(this.instance);
  }
}

/** A value as it counts for convergence: signals read, and without empty objects, which `load` cannot express. */
export function visible(value: unknown): unknown {
  if (isSignal(value)) return visible((value as () => unknown)());
  // Inside an array, which is always sent whole, `load` is exact.
  if (Array.isArray(value)) return JSON.parse(JSON.stringify(value)) as unknown;
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, visible(inner)] as const);
  const kept = entries.filter(([, inner]) => inner !== undefined && !isEmptyObject(inner));
  return Object.fromEntries(kept);
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}
