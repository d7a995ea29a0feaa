import { decode } from "../protocol/urls.ts";

/**
 * Platforms log URLs. The only other place where a browser can put the credentials of a WebSocket are the subprotocols
 * that it offers. The service chooses the first of these; the others contain the credentials.
 */
const NAME = "durable-rooms";
const TOKEN = `${NAME}.token.`;
/** Percent-encoded, since a subprotocol allows few characters: RFC 9110, section 5.6.2. */
const ID = `${NAME}.id.`;
export const SUBPROTOCOL_HEADER = "sec-websocket-protocol";

/** The credentials in the subprotocols that a client offers. */
export interface Offer {
  readonly token: string | undefined;
  readonly sessionId: string | undefined;
}

/** @returns undefined if the client does not offer this subprotocol */
export function offerOf(headers: Headers): Offer | undefined {
  const header = headers.get(SUBPROTOCOL_HEADER);
  if (header === null) return undefined;
  const offered = header.split(",").map((name) => name.trim());
  if (!offered.includes(NAME)) return undefined;
  const find = (prefix: string) => offered.find((name) => name.startsWith(prefix))?.slice(prefix.length) || undefined;
  return { token: find(TOKEN), sessionId: decode(find(ID) ?? "") || undefined };
}

/**
 * Adds the chosen subprotocol to the response to an upgrade. A browser that offers subprotocols closes the socket
 * without it.
 */
export function chooseSubprotocol(response: Response, headers: Headers): Response {
  const { webSocket } = response;
  if (!webSocket || !offerOf(headers)) return response;
  return new Response(null, { status: 101, webSocket, headers: { [SUBPROTOCOL_HEADER]: NAME } });
}
