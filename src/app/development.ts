import { offerOf } from "../auth/subprotocol.ts";
import type { AnyRoom } from "../define/room.ts";
import { credentialsOf } from "../objects/handshake.ts";
import type { Log } from "../platform/log.ts";
import type { Directory } from "./directory.ts";
import { findShared } from "../state/shared-values.ts";

/** Hosts on this machine: `localhost` and its subdomains (RFC 6761), all 127.x.x.x, and `[::1]`. */
const LOOPBACK = /^(?:(?:[\w-]+\.)*localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
/** The length of 128 random bits in base64. */
const SHORTEST_ID = 22;
/** The maximum number of fields that a warning names. */
const MOST_NAMED = 5;

/** Whether the service runs on the client's own machine. */
export function isOnThisMachine({ hostname }: Pick<URL, "hostname">): boolean {
  return LOOPBACK.test(hostname);
}

/** Checks for development only. */
export interface DevelopmentCheck {
  /** A WebSocket is opened: warns once about code that works on one machine but not when it is deployed. */
  upgrade(url: URL, headers: Headers): void;
  /** The message if no definition matches the id. Undefined if the rooms are not known. */
  noSuchRoom(party: string, room: string): string | undefined;
}

/** @param rooms the rooms of the service, by party */
export function createDevelopmentCheck(log: Log, rooms: Directory["all"]): DevelopmentCheck {
  const todo = { ids: true, rooms: true };
  return {
    upgrade(url, headers) {
      if ((!todo.ids && !todo.rooms) || !isOnThisMachine(url)) return;
      if (todo.rooms) warnOfShared(log, [...rooms.values()].flat());
      todo.rooms = false;
      if (todo.ids && hasShortId(url, headers)) {
        todo.ids = false;
        const hint =
          "A client that guesses a session id connects as that user. Use ids of 128 random bits, such as crypto.randomUUID()";
        log({ level: "warn", event: "short_session_id", hint });
      }
    },
    noSuchRoom(party, room) {
      if (rooms.size === 0) return undefined;
      const known = rooms.get(party) ?? [];
      if (known.length > 0)
        return `There is no room "${room}" in the party "${party}". Its paths: ${known.map(({ path }) => `"${path}"`).join(", ")}`;
      const parties = [...rooms].filter(([, of]) => of.length > 0).map(([name]) => name);
      return `There is no party "${party}". There are: ${parties.join(", ")}`;
    },
  };
}

function hasShortId(url: URL, headers: Headers): boolean {
  const id = offerOf(headers)?.sessionId ?? credentialsOf(url.href).sessionId;
  return id !== undefined && id.length < SHORTEST_ID;
}

function warnOfShared(log: Log, rooms: readonly AnyRoom[]): void {
  for (const { path, compiled } of rooms) {
    const fields = findShared(() => compiled.definition.state()).slice(0, MOST_NAMED);
    if (fields.length === 0) continue;
    const hint =
      "These values are made outside of state(), so all rooms of one isolate share them and their changes. " +
      "Make them inside of state(), or use Object.freeze() if they never change";
    log({ level: "warn", event: "shared_between_rooms", path, fields: fields.join(", "), hint });
  }
}
