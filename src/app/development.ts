import { offerOf } from "../auth/subprotocol.ts";
import { credentialsOf } from "../objects/handshake.ts";
import type { Log } from "../platform/log.ts";

/** Hosts that mean this machine: `localhost` and names below it (RFC 6761), all 127.x.x.x, and `[::1]`. */
const LOOPBACK = /^(?:(?:[\w-]+\.)*localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
/** The length of 128 random bits in base64. */
const SHORTEST_ID = 22;

/** Whether a service runs on the machine of whoever asks. */
export function isOnThisMachine({ hostname }: Pick<URL, "hostname">): boolean {
  return LOOPBACK.test(hostname);
}

/** Makes a check of session ids, which says in development, and only once, that one is so short that it can be guessed. */
export function createIdCheck(log: Log): (url: URL, headers: Headers) => void {
  let hasSaid = false;
  return (url, headers) => {
    if (hasSaid || !isOnThisMachine(url)) return;
    const id = offerOf(headers)?.sessionId ?? credentialsOf(url.href).sessionId;
    if (id === undefined || id.length >= SHORTEST_ID) return;
    hasSaid = true;
    const hint =
      "Whoever guesses an id is that user. Let clients make ids of 128 random bits, as crypto.randomUUID() does";
    log({ level: "warn", event: "short_session_id", hint });
  };
}
