import { closeReason } from "../protocol/close-reason.ts";
import { CODES } from "../protocol/codes.ts";
import { QUOTA_WAIT } from "../protocol/quota.ts";
import type { Clock } from "../platform/ports.ts";
import { RoomError } from "../protocol/errors.ts";

/** Opening, refusing and closing sockets. */

export function isUpgrade(request: Request): boolean {
  return request.method === "GET" && request.headers.get("upgrade")?.toLowerCase() === "websocket";
}

/**
 * Refuses a request. A socket is accepted and then closed with a code and a reason, since a browser cannot
 * read the status of a refused upgrade.
 *
 * @param init overrides parts of the HTTP response
 */
export function refuse(request: Request, { code, message }: RoomError, init: ResponseInit = {}): Response {
  if (!isUpgrade(request)) {
    const headers: HeadersInit = code === "over_quota" ? { "retry-after": String(QUOTA_WAIT) } : {};
    return Response.json({ error: message, code }, { status: CODES[code].status, headers, ...init });
  }
  const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
  server.accept();
  server.close(CODES[code].close, closeReason(message));
  return new Response(null, { status: 101, webSocket: client });
}

/** Reads the session id and the transfer token from the query of an upgrade request. */
export function credentialsOf(url: string): { sessionId: string | undefined; transferToken: string | undefined } {
  const query = new URL(url).searchParams;
  return {
    sessionId: query.get("id") || query.get("_pk") || undefined,
    transferToken: query.get("transferToken") || undefined,
  };
}

/** The close reason when a new instance takes over, with the code `RESTART`. */
export const NEW_CODE = "The code has changed";

/**
 * An upgrade that takes longer than this, in ms, is answered before the join is done, since clients time out after some
 * seconds.
 */
const LONGEST_HANDSHAKE = 1000;

/**
 * Waits until an upgrade can be answered: when the client has joined or was refused, or after a while.
 * @param signal aborts when the client disconnects, with the compatibility flag `enable_request_signal`. A socket that
 * was not accepted has no close event
 * @returns whether the join is not done yet, and the client is still connected
 */
export async function isAnsweredLate(
  joining: Promise<unknown>,
  clock: Clock,
  signal: AbortSignal,
  onGone: () => void,
): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const cancel = clock.after(LONGEST_HANDSHAKE, () => resolve(true), "join");
  signal.addEventListener("abort", onGone);
  const isLate = await Promise.race([joining.then(() => false), late]);
  cancel();
  signal.removeEventListener("abort", onGone);
  if (signal.aborted) onGone();
  return isLate && !signal.aborted;
}

/** Answers a close frame. Clients may send codes and reasons that are not allowed in an answer, which is 1000 then. */
export function answerClose(ws: WebSocket, code: number, reason: string): void {
  try {
    ws.close(code === 1005 || code === 1006 || code === 1015 ? 1000 : code, reason);
  } catch {
    ws.close(1000);
  }
}
