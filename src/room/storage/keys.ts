/** The prefix of keys of the runtime and of the developer. All other keys are the state. */
export const PRIVATE_PREFIX = "$";
/** The prefix of unreadable values. They are read only on demand, and may be large. */
export const QUARANTINE_PREFIX = `${PRIVATE_PREFIX}quarantine:`;
/** The prefix of large data that is read on demand, not when the room wakes. */
export const APART_PREFIX = `${PRIVATE_PREFIX}apart:`;
/** The prefix of the handlers' own data, which is read on demand. */
export const STORAGE_PREFIX = `${PRIVATE_PREFIX}storage:`;
/** The version that wrote the state, missing for the first one; and the journal, while there is one. */
export const VERSION_KEY = `${PRIVATE_PREFIX}version`;
/** The tick numbers that may have been used. */
export const TICK_KEY = `${PRIVATE_PREFIX}tick`;
export const SESSION_PREFIX = `${PRIVATE_PREFIX}session:`;
export const LINK_PREFIX = `${PRIVATE_PREFIX}link:`;
/** Present while clients at shards may have another state than what is stored. */
export const AHEAD_KEY = `${PRIVATE_PREFIX}ahead`;
/** The prefix of what clients know, in pieces, while changes wait to be sent. */
export const KNOWN_PREFIX = `${PRIVATE_PREFIX}known:`;

/** A key for the log: clients choose keys of entries, and keys of the runtime contain private ids and tokens. */
export function keyForLog(key: string): string {
  return key.replace(/(?<=.)[.:].*/s, "…");
}
