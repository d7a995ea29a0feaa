import type { SentFrame } from "../../src/platform/ports.ts";
import { textOfFrame } from "../../src/protocol/binary/frame-text.ts";
import type { MemorySocket } from "../support/memory.ts";

/** What happens to a packet on its way. */
export type Fate = "fine" | "twice" | "lost" | "late";

/** The maximum number of messages with an id that a client sends again (P3.6). */
const MOST_REPEATED = 64;

/** The server that a client's sockets reach. */
export interface Service {
  connect(query: URLSearchParams): Promise<MemorySocket>;
  send(socket: MemorySocket, text: string): void;
  disconnect(socket: MemorySocket): void;
}

/**
 * A browser's WebSocket whose other end is a socket in memory. The line between them repeats, loses and reorders
 * numbered packets, and sends messages with an id twice. Clients and rooms have to notice this.
 */
export class WireSocket extends EventTarget {
  readyState = 0;
  /** Whether the connection stays open without delivering anything. */
  isMute = false;
  readonly #service: Service;
  readonly #fate: () => Fate;
  #socket: MemorySocket | undefined;
  #read = 0;
  #late: SentFrame | undefined;

  constructor(url: string, service: Service, fate: () => Fate) {
    super();
    this.#service = service;
    this.#fate = fate;
    void this.#open(new URL(url).searchParams);
  }

  send(text: string): void {
    const socket = this.#socket;
    if (!socket || this.isMute || !socket.isOpen) return;
    if (text === "ping") {
      this.#bring("pong");
      return;
    }
    this.#service.send(socket, text);
    const named = [JSON.parse(text) as { id?: string }].flat().filter(({ id }) => id !== undefined);
    // A client repeats no more messages than a room remembers.
    const repeated = JSON.stringify(named.slice(-MOST_REPEATED));
    if (named.length > 0 && this.#fate() === "twice") this.#service.send(socket, repeated);
  }

  close(code = 1000): void {
    this.drop(code);
  }

  /** Ends the connection for both sides. */
  drop(code = 1006): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    if (this.#socket?.isOpen) this.#service.disconnect(this.#socket);
    this.dispatchEvent(new CloseEvent("close", { code }));
  }

  /** Delivers what the other end has sent meanwhile. */
  pump(): void {
    const socket = this.#socket;
    if (!socket || this.readyState !== 1 || this.isMute) return;
    const { frames } = socket;
    while (this.#read < frames.length && this.readyState === 1) this.#carry(frames[this.#read++] as SentFrame);
    if (socket.isOpen || this.readyState !== 1) return;
    this.readyState = 3;
    const { code = 1006, reason = "" } = socket.closedWith ?? {};
    this.dispatchEvent(new CloseEvent("close", { code, reason }));
  }

  #carry(frame: SentFrame): void {
    const late = this.#late;
    this.#late = undefined;
    // Deliver first packets and packets without a number normally, because a client cannot notice if these are lost.
    const isNumbered = /^\{"type":"sync","seq":\d+,(?:"mark":\d+,)?"value"/.test(textOfFrame(frame));
    const fate = isNumbered && late === undefined ? this.#fate() : "fine";
    if (fate === "late") this.#late = frame;
    else if (fate !== "lost") this.#bring(frame);
    if (fate === "twice") this.#bring(frame);
    // Do not deliver a numbered packet after one of another instance of the room: a client could not notice that
    // either.
    // either.
    if (late !== undefined && isNumbered) this.#bring(late);
  }

  #bring(frame: SentFrame): void {
    const data = typeof frame === "string" ? frame : frame.slice().buffer;
    if (this.readyState === 1) this.dispatchEvent(new MessageEvent("message", { data }));
  }

  async #open(query: URLSearchParams): Promise<void> {
    const socket = await this.#service.connect(query);
    if (this.readyState === 3) {
      this.#service.disconnect(socket);
      return;
    }
    this.#socket = socket;
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }
}
