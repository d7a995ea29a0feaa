import { RESTART } from "../protocol/codes.ts";
import { NEW_CODE } from "./handshake.ts";
import type { SentFrame, Socket } from "../platform/ports.ts";
import type { Monitor } from "./monitor.ts";
import type { Tenure } from "./tenure.ts";

/** Accepts a WebSocket. @returns how it was accepted */
export type AcceptSocket = (ws: WebSocket) => "accepted" | "hibernating";

/** Implements the port `Socket` with a WebSocket of the runtime. */
class WorkerSocket implements Socket {
  readonly #ws: WebSocket;
  readonly #monitor: Monitor;
  readonly #tenure: Tenure;
  #phase: "new" | "accepted" | "hibernating" | "refused";
  #acceptWith: AcceptSocket | undefined;

  readonly #pingedAt: (ws: WebSocket) => number;

  /**
   * @param pingedAt returns when the runtime last answered a ping
   * @param acceptWith accepts the socket. Undefined if it was already accepted for hibernation
   */
  constructor(
    ws: WebSocket,
    monitor: Monitor,
    tenure: Tenure,
    pingedAt: (ws: WebSocket) => number,
    acceptWith: AcceptSocket | undefined,
  ) {
    this.#ws = ws;
    this.#pingedAt = pingedAt;
    this.#monitor = monitor;
    this.#tenure = tenure;
    this.#acceptWith = acceptWith;
    this.#phase = acceptWith ? "new" : "hibernating";
  }

  get isOpen(): boolean {
    return this.#phase !== "refused" && this.#ws.readyState === WebSocket.OPEN;
  }

  /**
   * With hibernation, workerd keeps the TCP connection of a closed socket until the object hibernates. Nothing else was
   * found to end it: neither a second close, an answer to the client's close frame, nor a compatibility flag (workerd
   * of 2026-11).
   */
  get endsLate(): boolean {
    return this.#phase === "hibernating";
  }

  accept(): void {
    if (this.#phase !== "new") return;
    if (this.#tenure.isOver) this.close(RESTART, NEW_CODE);
    else this.#phase = this.#acceptWith?.(this.#ws) ?? "hibernating";
    // It refers to the request, which would be kept as long as the socket.
    this.#acceptWith = undefined;
  }

  send(frame: SentFrame): number {
    if (this.#tenure.isOver) return 0;
    this.#ws.send(frame);
    return this.#monitor.sent(frame, this);
  }

  get pingedAt(): number {
    return this.#pingedAt(this.#ws);
  }

  close(code: number, reason: string): void {
    if (this.#phase === "new") {
      this.#phase = "refused";
      // Without hibernation, so that the connection ends at once.
      this.#ws.accept();
    }
    this.#ws.close(code, reason);
  }

  attachment(): unknown {
    return this.#ws.deserializeAttachment();
  }

  attach(value: unknown): void {
    this.#ws.serializeAttachment(value);
  }
}

/** Keeps one {@link Socket} for each WebSocket, since a room finds a connection by its socket. */
export class Sockets {
  readonly #sockets = new WeakMap<WebSocket, Socket>();
  readonly #monitor: Monitor;
  readonly #tenure: Tenure;
  readonly #pingedAt: (ws: WebSocket) => number;

  /** @param pingedAt returns when the runtime last answered a ping of a socket */
  constructor(monitor: Monitor, tenure: Tenure, pingedAt: (ws: WebSocket) => number) {
    this.#monitor = monitor;
    this.#tenure = tenure;
    this.#pingedAt = pingedAt;
  }

  /** @param acceptWith for a socket that was not accepted yet */
  of(ws: WebSocket, acceptWith?: AcceptSocket): Socket {
    let socket = this.#sockets.get(ws);
    if (!socket) {
      socket = new WorkerSocket(ws, this.#monitor, this.#tenure, this.#pingedAt, acceptWith);
      this.#sockets.set(ws, socket);
    }
    return socket;
  }
}
