/** The parts of `/parties/:party/:room[/path]`. */
export interface RoomUrl {
  readonly party: string;
  /** Decoded. It may contain any character, including a slash. */
  readonly room: string;
  /** The rest of the path, not decoded; at least "/". */
  readonly path: string;
}

const URL_FORM = /^\/parties\/([A-Za-z0-9_-]{1,64})\/([^/]+)(\/.*)?$/;
const MAX_ID = 512;
/**
 * Together with its party, the id is the name of an object. The runtime passes names on only up to 1,024 bytes.
 * https://developers.cloudflare.com/durable-objects/api/id/#name
 */
const MAX_ID_BYTES = 900;

/** Whether a room can have this id. */
export function isRoomId(id: unknown): id is string {
  return (
    typeof id === "string" &&
    id !== "" &&
    id.length <= MAX_ID &&
    id.isWellFormed() &&
    !id.includes("\0") &&
    // A UTF-16 code unit takes at most three bytes, so short ids need no counting.
    (id.length * 3 <= MAX_ID_BYTES || new TextEncoder().encode(id).length <= MAX_ID_BYTES)
  );
}

/** Parses the URL of a room. @returns undefined if it is not one */
export function parseRoomUrl({ pathname }: Pick<URL, "pathname">): RoomUrl | undefined {
  const [, party, encoded, path = "/"] = URL_FORM.exec(pathname) ?? [];
  if (party === undefined || encoded === undefined) return undefined;
  const room = decode(encoded);
  if (!isRoomId(room)) return undefined;
  return { party, room, path };
}

/** Decodes one segment of a path. @returns undefined if it is malformed */
export function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

/** The name of the object that runs a room. A party has no slash, so the first slash separates the two. */
export function objectName(party: string, room: string): string {
  return `${party}/${room}`;
}

export function parseObjectName(name: string): { party: string; room: string } | undefined {
  const slash = name.indexOf("/");
  return slash < 1 ? undefined : { party: name.slice(0, slash), room: name.slice(slash + 1) };
}
