import { DurableObject } from "cloudflare:workers";
import { closeReason } from "../protocol/close-reason.ts";
import { CODES } from "../protocol/codes.ts";
import { messageOf, RoomError } from "../protocol/errors.ts";
import { encodeError } from "../protocol/packets.ts";
import { isUpgrade } from "./handshake.ts";

/** Makes the class of objects of a service that cannot run, in development. */
export function createBrokenObject(
  error: unknown,
): new (ctx: DurableObjectState, env: Cloudflare.Env) => DurableObject {
  return class extends DurableObject {
    override async fetch(): Promise<Response> {
      throw error;
    }
  };
}

/**
 * Answers a request to a service that cannot run. The development server shows a thrown error with its source. A
 * WebSocket client gets the message in a packet, which its console shows, since a close reason is too short for it.
 */
export function answerBroken(request: Request, error: unknown): Response {
  if (!isUpgrade(request)) throw error;
  const message = messageOf(error);
  const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
  server.accept();
  server.send(encodeError(new RoomError("internal", message), {}));
  server.close(CODES.internal.close, closeReason(message));
  return new Response(null, { status: 101, webSocket: client });
}
