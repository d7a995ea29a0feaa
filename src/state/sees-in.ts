import type { SightIndex } from "./key-rules.ts";
import type { Viewer } from "./viewer.ts";

/** Whether somebody sees a place who is not among the watchers. */
export function seesIn(index: SightIndex, viewer: Viewer, place: unknown): boolean {
  const { value: view } = index.viewOf(viewer, undefined);
  const sees = index.ring(view, place) > 0;
  if (view.watchers.size === 0) index.drop(view);
  return sees;
}
