import type { Viewer, Visibility } from "./fields.ts";

/** Who may see a field: every condition on the way to it has to hold. Undefined means everyone. */
export interface Audience {
  readonly conditions: readonly Exclude<Visibility, "all">[];
  /** The user whose entry holds the field. */
  readonly owner: string | undefined;
  /** Whether the answer can change while nothing about the field does. */
  readonly dynamic: boolean;
}

/** Whether the viewer at hand may see what an audience is for. */
export type Sees = (audience: Audience) => boolean;

export function narrow(
  outer: Audience | undefined,
  visibility: Visibility,
  owner: string | undefined,
): Audience | undefined {
  if (visibility === "all") return outer;
  const conditions = [...(outer?.conditions ?? []), visibility];
  return { conditions, owner, dynamic: conditions.some((condition) => condition !== "owner") };
}

/** Whether what viewers of one were told is known of those of another, of a field in the same place. */
export function isSameKind(one: Audience | undefined, other: Audience | undefined): boolean {
  return one?.dynamic === other?.dynamic;
}

export function canSee(audience: Audience, viewer: Viewer): boolean {
  return audience.conditions.every((condition) =>
    condition === "owner" ? audience.owner === viewer.publicId : condition(viewer, audience.owner),
  );
}
