/** Keys under this prefix are the runtime's own, or the developer's; the rest is the state. */
export const PRIVATE_PREFIX = "$";
/** Under these is what could not be read: nobody needs it but who asks for it, and it may be much. */
export const QUARANTINE_PREFIX = `${PRIVATE_PREFIX}quarantine:`;
/** Under these is what is kept for somebody, maybe much: it is read when they ask for it, not when the room wakes. */
export const APART_PREFIX = `${PRIVATE_PREFIX}apart:`;
/** Under these is what handlers keep: it is read when they ask for it. */
export const STORAGE_PREFIX = `${PRIVATE_PREFIX}storage:`;
/** The version that the state was written by, absent for the first; and the journal, while there is one. */
export const VERSION_KEY = `${PRIVATE_PREFIX}version`;
/** The numbers of ticks that may have been used. */
export const TICK_KEY = `${PRIVATE_PREFIX}tick`;
export const SESSION_PREFIX = `${PRIVATE_PREFIX}session:`;
export const LINK_PREFIX = `${PRIVATE_PREFIX}link:`;
/** There while clients at shards may know more than what is stored, or less. */
export const AHEAD_KEY = `${PRIVATE_PREFIX}ahead`;
/** What clients know, in pieces, while changes wait to be sent. */
export const KNOWN_PREFIX = `${PRIVATE_PREFIX}known:`;

/** A key as a log may have it: clients choose keys of entries, and the runtime's own hold private ids, and tokens. */
export function keyForLog(key: string): string {
  return key.replace(/(?<=.)[.:].*/s, "…");
}
