import { Collection } from "../protocol/binary/collection.ts";
import { entriesSince } from "./entries-since.ts";
import type { Field } from "./field.ts";
import { exampleOf, examplesOf } from "./entry-examples.ts";
import { quarantineUser, restoreUsers } from "./restore-users.ts";
import { Steps } from "./steps.ts";
import { storedEntries } from "./stored-entries.ts";
import { wireFieldsOf } from "./wire-fields.ts";

/**
 * What other code does with collections and users. It comes with the class of their nodes, so that a Worker without
 * such fields does not contain it: other code gets it by {@link partsOf}.
 */
export const ENTRY_PARTS = {
  /** Writes entries in frames. */
  Writer: Collection,
  entriesSince,
  exampleOf,
  examplesOf,
  quarantineUser,
  restoreUsers,
  Steps,
  storedEntries,
  wireFieldsOf,
} as const;

/** @param field that of a collection, or of users */
export function partsOf({ Entries }: Pick<Field, "Entries">): typeof ENTRY_PARTS {
  return (Entries as { readonly parts: typeof ENTRY_PARTS }).parts;
}
