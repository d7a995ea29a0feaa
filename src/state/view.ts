import type { Part } from "./part.ts";
import type { Position, SeenEntry } from "./seen-entry.ts";
import type { Observer } from "./signals/adapter.ts";
import type { Viewer } from "./viewer.ts";

/** A connection of a client. */
export interface Watching {
  readonly publicId: string;
  readonly auth: Viewer["auth"];
  /** Whether it has no user: then it sees nothing by keys. */
  readonly isSpectator?: boolean;
  /** Called when it is not among the room's connections any more. */
  onRemoved: (() => void) | undefined;
  /** Its {@link Relays}, if it is not told by itself what it sees. */
  readonly relays?: object | undefined;
}

/** A way to look at a collection: all watchers that look in the same way share one, and what they are told. */
export class View {
  readonly watchers = new Set<Watcher>();
  /** The entries that something is to be told of in the present delivery, to who sees or saw them in this way. */
  told: SeenEntry[] = [];
  /** What watchers are told in the present delivery, by the view that they had before. There are few of these. */
  parts: { readonly before: View; readonly part: Part }[] = [];
  /** When the index last visited it. */
  visit = 0;
}

/** Somebody who watches. */
export interface Watcher {
  readonly conn: Watching;
  readonly viewer: () => Viewer;
  readonly observer: Observer;
  /** Whether a {@link Relay} tells it what it sees. */
  readonly isRelayed: boolean;
  view: View;
  /** The view that it had before the present delivery; undefined if it is the same. */
  before: View | undefined;
  /** The viewer's entry among the users, which the view was made of. */
  user: unknown;
  /** Where it looks from, if that matters. */
  at: Position | undefined;
  /** The delivery in which it is told something, and the entry of its user, if that is told of and always seen. */
  toldIn: number;
  own: SeenEntry | undefined;
  /** The entries that it is shown of those in its view, if that is not all. */
  shown: Set<SeenEntry> | undefined;
  /** Those that it was shown before the present delivery. */
  shownBefore: ReadonlySet<SeenEntry> | undefined;
}
