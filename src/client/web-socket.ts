import type { SocketOptions } from "./options.ts";

/** The close code without a reason. */
export const NO_ANSWER = 1006;
/** The close code with which the client itself ends a connection to open another one. */
export const RENEWED = 4000;

/** @throws Error if this address can never be reached from here */
export function openWebSocket(url: string, own: SocketOptions["WebSocket"]): EventTarget {
  const Socket = own ?? (globalThis as { readonly WebSocket?: SocketOptions["WebSocket"] }).WebSocket;
  if (!Socket) throw new TypeError("There is no WebSocket: pass socket.WebSocket");
  return new Socket(url) as EventTarget;
}
