import type { SightIndex } from "./key-rules.ts";
import type { Viewer } from "./viewer.ts";

/** Whether a viewer that is not a watcher sees a place. */
export function seesIn(index: SightIndex, viewer: Viewer, place: unknown): boolean {
  const { value: view } = index.viewOf(viewer, undefined);
  const sees = index.ring(view, place) > 0;
  if (view.watchers.size === 0) index.drop(view);
  return sees;
}
