import { ConnectError } from "./errors.ts";
import type { SocketOptions } from "./options.ts";

/** What is needed of a WebSocket: browsers, Node, Workers and React Native have it. */
export interface WebSocketLike {
  /** 0 while it connects, 1 while it is open, then 2 and 3. */
  readonly readyState: number;
  binaryType: string;
  send(text: string): void;
  close(code: number): void;
  addEventListener(type: string, listener: (event: SocketEvent) => void): void;
}
type SocketEvent = { readonly data?: unknown; readonly code?: number; readonly reason?: string };

interface Listeners {
  readonly opened: () => void;
  readonly received: (data: unknown) => void;
  readonly closed: (code: number, reason: string) => void;
}

/** The close code where nobody said why. */
export const NO_ANSWER = 1006;
/** The close code with which the client itself ends a connection to begin another one. */
export const RENEWED = 4000;

/** @throws ConnectError if this address can never be connected to from here */
export function openWebSocket(url: string, own: SocketOptions["WebSocket"], listeners: Listeners): WebSocketLike {
  try {
    const Socket = own ?? (globalThis as { readonly WebSocket?: SocketOptions["WebSocket"] }).WebSocket;
    if (!Socket) throw new TypeError("There is no WebSocket here. Pass one as socket.WebSocket");
    const socket = new Socket(url) as WebSocketLike;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", listeners.opened);
    socket.addEventListener("message", ({ data }) => listeners.received(data));
    socket.addEventListener("close", ({ code = NO_ANSWER, reason = "" }) => listeners.closed(code, reason));
    // No close has to follow, and none says more.
    socket.addEventListener("error", () => listeners.closed(NO_ANSWER, ""));
    return socket;
  } catch (thrown) {
    const { message } = thrown as Error;
    throw new ConnectError("invalid_address", `Cannot connect to ${url.split("?")[0]}: ${message}`, {
      status: 400,
      isFinal: true,
    });
  }
}
