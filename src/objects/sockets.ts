import type { Socket } from "../platform/ports.ts";
import type { Monitor } from "./monitor.ts";

/** A WebSocket of the runtime as a room sees it. */
class WorkerSocket implements Socket {
  readonly #ws: WebSocket;
  readonly #monitor: Monitor;

  constructor(ws: WebSocket, monitor: Monitor) {
    this.#ws = ws;
    this.#monitor = monitor;
  }

  get isOpen(): boolean {
    return this.#ws.readyState === WebSocket.OPEN;
  }

  send(text: string): void {
    this.#ws.send(text);
    this.#monitor.sent(text, this);
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason);
  }

  attachment(): unknown {
    return this.#ws.deserializeAttachment();
  }

  attach(value: unknown): void {
    this.#ws.serializeAttachment(value);
  }
}

/** Keeps one {@link Socket} for each WebSocket, so that a room recognises it. */
export class Sockets {
  readonly #sockets = new WeakMap<WebSocket, Socket>();
  readonly #monitor: Monitor;

  constructor(monitor: Monitor) {
    this.#monitor = monitor;
  }

  of(ws: WebSocket): Socket {
    let socket = this.#sockets.get(ws);
    if (!socket) this.#sockets.set(ws, (socket = new WorkerSocket(ws, this.#monitor)));
    return socket;
  }
}
