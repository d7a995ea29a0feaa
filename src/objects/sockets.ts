import type { Socket } from "../room/ports.ts";

/** A WebSocket of the runtime as a room sees it. */
class WorkerSocket implements Socket {
  readonly #ws: WebSocket;

  constructor(ws: WebSocket) {
    this.#ws = ws;
  }

  get isOpen(): boolean {
    return this.#ws.readyState === WebSocket.OPEN;
  }

  send(text: string): void {
    this.#ws.send(text);
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

/** Keeps one {@link Socket} for each WebSocket, so that a room knows it again. */
export class Sockets {
  readonly #known = new WeakMap<WebSocket, Socket>();

  of(ws: WebSocket): Socket {
    let socket = this.#known.get(ws);
    if (!socket) this.#known.set(ws, (socket = new WorkerSocket(ws)));
    return socket;
  }
}
