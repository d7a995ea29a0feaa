import type { HoldsFields } from "./action-types.ts";
import type { StateView } from "./client-state.ts";

/** What a step may know beside the entry and the input. V: the state as clients see it. */
export interface StepContext<V = unknown> {
  /** The length of a tick in seconds: 1 / `hz`. */
  readonly dt: number;
  /** What this client was last sent of the state, as plain values: read it, and change nothing in it. */
  readonly state: V;
}

/** An entry as its own client sees it: plain values. */
export type EntryView<U> = HoldsFields<U> extends true ? StateView<U> : Readonly<Record<string, unknown>>;
/** What a step changes of an entry: fields that it sets, and their new values. */
export type StepResult<U> = { readonly [K in keyof EntryView<U>]?: EntryView<U>[K] };
