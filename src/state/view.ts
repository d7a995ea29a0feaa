import type { Part } from "./part.ts";
import type { Position, SeenEntry } from "./seen-entry.ts";
import type { Observer } from "./signals/adapter.ts";
import type { Viewer } from "./viewer.ts";

/** A connection of a client. */
export interface Watching {
  readonly publicId: string;
  readonly auth: Viewer["auth"];
  /** Whether it has no user. It then sees no entries with keyed visibility. */
  readonly isSpectator?: boolean;
  /** Called when it was removed from the room's connections. */
  onRemoved: ((conn: Watching) => void) | undefined;
  /** Its {@link Relays}, if it gets keyed entries through a shard. */
  readonly relays?: object | undefined;
}

/** A view of a collection. All watchers with the same view share it, and its changes. */
export class View {
  readonly watchers = new Set<Watcher>();
  /** The changes of watchers in the current delivery, by their previous view. There are few of these. */
  parts: { readonly before: View; readonly part: Part }[] | undefined;
  /** The number of the last delivery with a change that may be visible. */
  changedIn = 0;
  /** The number of the index's last visit. */
  visit = 0;
}

/** A connection that watches a collection. */
export interface Watcher {
  readonly conn: Watching;
  readonly viewerOf: (conn: Watching) => Viewer;
  /** Observes the signals of its view. Undefined if nothing has to be observed. */
  observer: Observer | undefined;
  /** Whether a {@link Relay} forwards what it sees. */
  readonly isRelayed: boolean;
  view: View;
  /** Its view before the current delivery. Undefined if it has not changed. */
  before: View | undefined;
  /** The user's entry from which the view was computed. */
  user: unknown;
  /** Its position, if that matters. */
  at: Position | undefined;
  /** The number of the last delivery for which the entries that it is shown were chosen. */
  chosenIn: number;
  /** The entries of its view that it is shown, if not all. */
  shown: Set<SeenEntry> | undefined;
  /** The entries that it was shown before the current delivery. */
  shownBefore: ReadonlySet<SeenEntry> | undefined;
}
