import { Collection } from "../protocol/binary/collection.ts";
import { entriesSince } from "./entries-since.ts";
import { exampleOf, examplesOf } from "./entry-examples.ts";
import { quarantineUser, restoreUsers } from "./restore-users.ts";
import { storedEntries } from "./unread-entries.ts";
import { wireFieldsOf } from "./wire-fields.ts";

/**
 * What other code does with collections and users. It comes with the class of their nodes, so that a Worker without
 * such fields does not contain it: other code gets it by `partsOf`.
 */
export const ENTRY_PARTS = {
  /** Writes entries in frames. */
  Writer: Collection,
  entriesSince,
  exampleOf,
  examplesOf,
  quarantineUser,
  restoreUsers,
  storedEntries,
  wireFieldsOf,
} as const;

export type EntryParts = typeof ENTRY_PARTS;
