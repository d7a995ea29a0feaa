import type { Factory } from "./fields.ts";
import { makeEntry } from "./fields.ts";
import type { EntryNode, ParentNode, Place, Shared } from "./node.ts";
import { Row, Rows } from "./rows.ts";

/** Where nothing counts. */
const NOWHERE: ParentNode = {
  names: () => [],
  attached: false,
  coverOf: () => undefined,
  childChanged() {},
  countPrivate() {},
};

/**
 * Makes an entry that is not part of the state.
 * @returns undefined if what is stored of an entry does not say what clients are told of it, or if entries differ
 */
export function createTemplate(
  shared: Shared,
  factory: Factory<object>,
  { persisted, audience }: Pick<Place, "persisted" | "audience">,
): EntryNode | undefined {
  // All that a factory without parameters makes is alike.
  if (factory.length > 0 || audience) return undefined;
  const row = new Row(new Rows(), "", () => undefined);
  const sample = shared.makeEntry(NOWHERE, "", makeEntry(factory, ""), { row, persisted, audience, owner: undefined });
  sample.stop();
  return sample.isSimple ? sample : undefined;
}
