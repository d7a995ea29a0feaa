import { closeReason } from "../protocol/close-reason.ts";
import { CODES } from "../protocol/codes.ts";
import { RoomError } from "../protocol/errors.ts";

export function isUpgrade(request: Request): boolean {
  return request.method === "GET" && request.headers.get("upgrade")?.toLowerCase() === "websocket";
}

/**
 * Refuses a request. A socket is accepted and then closed with a code and a reason, since a browser cannot
 * read the status of a refused upgrade.
 *
 * @param init how an HTTP answer differs from what its code says
 */
export function refuse(request: Request, { code, message }: RoomError, init: ResponseInit = {}): Response {
  if (!isUpgrade(request)) return Response.json({ error: message, code }, { status: CODES[code].status, ...init });
  const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
  server.accept();
  server.close(CODES[code].close, closeReason(message));
  return new Response(null, { status: 101, webSocket: client });
}
