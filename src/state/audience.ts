import { promiseOf } from "../protocol/values.ts";
import type { Condition, Viewer } from "./field.ts";

/** Who may see a field: all conditions on the path to it have to hold. Undefined means everyone. */
export interface Audience {
  readonly conditions: readonly Condition[];
  /** The user in whose entry the field is. */
  readonly owner: string | undefined;
  /** Whether the answer can change without a change of the field. */
  readonly dynamic: boolean;
  /** Whether the answer depends on more than the signals that a predicate reads. */
  readonly isUntracked?: boolean | undefined;
  /** Whether the owner always belongs to it. */
  readonly hasOwner?: boolean;
}

/** Whether a viewer belongs to an audience. */
export type Sees = (audience: Audience) => boolean;

/** Adds a condition to those of the objects around a field. */
export function restrictAudience(
  outer: Audience | undefined,
  visibility: Condition,
  owner: string | undefined,
): Audience {
  const conditions = [...(outer?.conditions ?? []), visibility];
  const dynamic = conditions.some((condition) => condition !== "owner");
  return { conditions, owner, dynamic, isUntracked: outer?.isUntracked };
}

/** Whether viewers of a field may keep what they were sent when another field replaces it. */
export function isSameKind(one: Audience | undefined, other: Audience | undefined): boolean {
  return one?.dynamic === other?.dynamic;
}

/**
 * Whether all conditions hold for a viewer. Only the result `true` makes something visible.
 * @throws what a predicate throws; Error if it returns a promise
 */
export function canSee({ conditions, owner }: Audience, viewer: Viewer): boolean {
  return conditions.every((condition) =>
    condition === "owner"
      ? owner === viewer.publicId
      : atOnce<unknown>(condition(viewer, owner), "true or false") === true,
  );
}

/** The answer of a function that decides who sees what. @throws Error if it is a promise @param what what it should be */
export function atOnce<T>(answer: T, what: string): T {
  const pending = promiseOf(answer);
  if (!pending) return answer;
  pending.catch(() => {});
  throw new Error(`A visibleTo function cannot be async: it has to return ${what} at once`);
}
