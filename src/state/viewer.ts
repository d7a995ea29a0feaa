/** Who is looking: one connected client, as a `visibleTo` predicate sees it. */
export interface Viewer {
  /** The id of the viewer's user. */
  readonly publicId: string;
  /** The verified JWT claims of the connection, or null. */
  readonly auth: Readonly<Record<string, unknown>> | null;
  /** The viewer's own entry in the `users` field; undefined where the room has none. */
  readonly user: unknown;
}

/** Whoever has no user sees what everyone sees, and nothing that depends on who looks: no predicate is asked. */
export const SPECTATOR: Viewer = { publicId: "", auth: null, user: undefined };
