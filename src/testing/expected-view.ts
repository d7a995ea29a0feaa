import { isSignal } from "@signe/reactive";
import { fieldOf } from "../state/fields.ts";
import type { Viewer } from "../state/fields.ts";
import { withoutEmpty } from "./without-empty.ts";

/**
 * What a viewer should see of a state, read off the live signals alone: an independent, slow and simple
 * statement of the rules that the library's tree implements.
 */
export function expectedView(state: object, viewer: Viewer): unknown {
  return withoutEmpty(JSON.parse(JSON.stringify(group(state, viewer, undefined))));
}

function group(target: object, viewer: Viewer, owner: string | undefined): Record<string, unknown> {
  const view: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(target)) {
    const field = fieldOf(value);
    if (field?.factory) {
      const entries = Object.entries((value as () => Record<string, object>)());
      view[name] = Object.fromEntries(
        entries.map(([key, entry]) => [key, group(entry, viewer, field.kind === "users" ? key : owner)]),
      );
    } else if (field?.synced) {
      const { visibleTo, transform } = field;
      const sees =
        visibleTo === "all" || (visibleTo === "owner" ? owner === viewer.publicId : visibleTo(viewer, owner));
      const raw: unknown = (value as () => unknown)();
      if (sees) view[name] = transform ? transform(raw) : raw;
    } else if (!isSignal(value) && typeof value === "object" && value !== null) {
      view[name] = group(value, viewer, owner);
    }
  }
  return view;
}
