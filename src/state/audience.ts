import type { Viewer, Visibility } from "./fields.ts";

/** Who may see a field: every condition on the way to it has to hold. Undefined means everyone. */
export interface Audience {
  readonly conditions: readonly Exclude<Visibility, "all">[];
  /** The user whose entry holds the field. */
  readonly owner: string | undefined;
  /** Whether the answer can change while nothing about the field does. */
  readonly dynamic: boolean;
}

export function narrow(
  outer: Audience | undefined,
  visibility: Visibility,
  owner: string | undefined,
): Audience | undefined {
  if (visibility === "all") return outer;
  const conditions = [...(outer?.conditions ?? []), visibility];
  return { conditions, owner, dynamic: conditions.some((condition) => condition !== "owner") };
}

export function canSee(audience: Audience, viewer: Viewer): boolean {
  return audience.conditions.every((condition) =>
    condition === "owner" ? audience.owner === viewer.publicId : condition(viewer, audience.owner),
  );
}
