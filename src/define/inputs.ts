import type { HoldsFields } from "./action-types.ts";
import type { StateView } from "./client-state.ts";

/** What `step` of an input gets besides the entry and the input. V: the state as clients see it. */
export interface StepContext<V = unknown> {
  /** The length of a tick in seconds: 1 / `hz`. */
  readonly dt: number;
  /** The state that this client was last sent, as plain values. Do not change it. */
  readonly state: V;
}

/** An entry as its own client sees it: plain values. */
export type EntryView<U> = HoldsFields<U> extends true ? StateView<U> : Readonly<Record<string, unknown>>;
/** The fields of the entry that a step changes, with their new values. */
export type StepResult<U> = { readonly [K in keyof EntryView<U>]?: EntryView<U>[K] };
