import type { Jurisdiction } from "../platform/jurisdiction.ts";

const LONGEST = 160;
const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";
const RANDOM_LENGTH = 12;

/**
 * The key of a room's entry in the World's state. It contains no dot, and is never the name of an inherited property,
 * such as `constructor`. A long id is cut, and made unique again. The id itself is a field of the entry.
 */
export function roomKey(roomId: string): string {
  const key = `r-${encodeURIComponent(roomId).replaceAll(".", "%2E")}`;
  return key.length <= LONGEST ? key : `${key.slice(0, LONGEST)}~${randomText()}`;
}

/**
 * Makes an id for a shard of a room. It needs no encoding in a URL, since PartySocket does none. It cannot be guessed.
 * It contains the room, for logs, and the jurisdiction, for objects that know only the id.
 */
export function makeShardId(roomId: string, jurisdiction?: Jurisdiction): string {
  const name = roomId.replace(/[^A-Za-z0-9]/g, "").slice(0, 24);
  return `${name || "shard"}-${randomText()}${jurisdiction ? `~${jurisdiction}` : ""}`;
}

/** 12 letters and digits that cannot be guessed. */
export function randomText(): string {
  // 252 is a multiple of 36, so larger bytes are skipped to keep all characters equally likely.
  const bytes = crypto.getRandomValues(new Uint8Array(RANDOM_LENGTH * 2)).filter((byte) => byte < 252);
  const text = Array.from(bytes.subarray(0, RANDOM_LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]).join("");
  return text.length === RANDOM_LENGTH ? text : randomText();
}
