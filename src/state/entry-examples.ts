import { shapeOfEntry } from "./entry-shape.ts";
import type { EntryShape } from "./entry-shape.ts";
import type { Factories, Factory } from "./field.ts";
import { makeBy } from "./marks.ts";

/** One example of each kind of entry in a collection, if it can be made without a key. */
export function examplesOf(factories: Factories): EntryShape[] {
  return (typeof factories === "function" ? [factories] : [...factories.values()]).map(exampleOf);
}

/** A factory that needs a real key is identified by its code. */
export function exampleOf(factory: Factory<object>): EntryShape {
  try {
    return shapeOfEntry(makeBy(factory, ""));
  } catch {
    return new Map([[String(factory), new Map()]]);
  }
}
