/** A connected client that may see a field, as a `visibleTo` function gets it. */
export interface Viewer {
  /** The publicId of the viewer's user. */
  readonly publicId: string;
  /** The verified JWT claims of the connection, or null without a token. */
  readonly auth: Readonly<Record<string, unknown>> | null;
  /** The viewer's entry in the `users` field. Undefined if the state has no such field. */
  readonly user: unknown;
}

/** Spectators have no user. They see what is visible to all; no `visibleTo` function runs for them. */
export const SPECTATOR: Viewer = { publicId: "", auth: null, user: undefined };
