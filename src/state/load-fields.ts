import { isPlain } from "../protocol/values.ts";
import { Leaf } from "./leaf.ts";
import type { LeafParent } from "./leaf.ts";
import type { InnerNode } from "./node.ts";

type Values = Record<string, unknown>;

/** An object of fields that is loaded. */
interface Fields extends Pick<LeafParent, "unreadable"> {
  readonly children: ReadonlyMap<string, Leaf | InnerNode>;
}

/** Why a value cannot be read that has to be an entry, or an object of fields. */
export const NO_OBJECT = "It is no object";

/** @throws Error if what is stored of an entry, or of an object of fields, is something else */
export function checkStored(stored: unknown): asserts stored is Values {
  if (!isPlain(stored)) throw new Error(NO_OBJECT);
}

/** Sets stored values. @returns whether a persisted field was missing among them */
export function loadFields(fields: Fields, values: Values): boolean {
  let missing = false;
  for (const [name, child] of fields.children) {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (child instanceof Leaf) {
      const loaded = value !== undefined && child.load(value);
      missing ||= !loaded && child.persisted && child.row !== undefined;
    } else if (isPlain(value)) {
      missing = child.load(value) || missing;
    } else if (value !== undefined) {
      child.saveAll();
      fields.unreadable(name, value, new Error(NO_OBJECT));
      missing = true;
    }
  }
  return missing;
}

/** Whether stored values are of the kinds that the fields were declared as. */
export function fitsFields({ children }: Fields, values: Values): boolean {
  for (const [name, child] of children) {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    const fits = child instanceof Leaf ? child.fits(value) : isPlain(value) && child.fits(value);
    if (value !== undefined && !fits) return false;
  }
  return true;
}
