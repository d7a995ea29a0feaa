import { promiseOf } from "../protocol/values.ts";
import type { Condition, Viewer } from "./field.ts";

/** Who may see a field: every condition on the way to it has to hold. Undefined means everyone. */
export interface Audience {
  readonly conditions: readonly Condition[];
  /** The user whose entry holds the field. */
  readonly owner: string | undefined;
  /** Whether the answer can change while nothing about the field does. */
  readonly dynamic: boolean;
  /** Whether the answer depends on more than signals that a predicate reads. */
  readonly isUntracked?: boolean | undefined;
}

/** Whether a certain viewer belongs to an audience. */
export type Sees = (audience: Audience) => boolean;

/** Adds a condition to those of what is around a field. */
export function restrictAudience(
  outer: Audience | undefined,
  visibility: Condition,
  owner: string | undefined,
): Audience {
  const conditions = [...(outer?.conditions ?? []), visibility];
  const dynamic = conditions.some((condition) => condition !== "owner");
  return { conditions, owner, dynamic, isUntracked: outer?.isUntracked };
}

/** Whether what was sent to viewers of one field counts for those of another that takes its place. */
export function isSameKind(one: Audience | undefined, other: Audience | undefined): boolean {
  return one?.dynamic === other?.dynamic;
}

/**
 * Whether all conditions hold for a viewer. Only `true` lets somebody see something.
 * @throws what a predicate throws; Error if it returns a promise
 */
export function canSee({ conditions, owner }: Audience, viewer: Viewer): boolean {
  return conditions.every((condition) =>
    condition === "owner" ? owner === viewer.publicId : isTrue(condition(viewer, owner)),
  );
}

function isTrue(answer: unknown): boolean {
  const pending = promiseOf(answer);
  if (!pending) return answer === true;
  pending.catch(() => {});
  throw new Error(
    "A visibleTo predicate returned a promise. It cannot be async: it has to return true or false at once",
  );
}
