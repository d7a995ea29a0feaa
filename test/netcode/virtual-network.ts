import { vi } from "vitest";
import { connectRoom } from "../../src/client/index.ts";
import type { ConnectOptions, RoomClient } from "../../src/client/index.ts";
import type { AnyRoom } from "../../src/define/room.ts";
import type { SentFrame } from "../../src/platform/ports.ts";
import { MemoryTree } from "../support/memory-shards.ts";
import { MemoryRoom, VirtualClock } from "../support/memory.ts";
import type { MemorySocket } from "../support/memory.ts";

/** The steps of time in ms, and the promises that are resolved after each: as many as a connecting client chains. */
const STEP = 20;
const PROMISES = 15;

/** A clock that follows vitest's fake timers, which the client uses too. */
class FakeClock extends VirtualClock {
  override now(): number {
    return Date.now();
  }
  override after(ms: number, run: () => void): () => void {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  }
}

/** The latency of a message that is sent now, in ms. */
type Delay = () => number;

/** A WebSocket over a line that delays messages and keeps their order, as TCP does. */
class DelayedSocket extends EventTarget {
  readyState = 0;
  readonly #network: VirtualNetwork;
  #socket: MemorySocket | undefined;
  /** When the last message arrives. Later messages cannot overtake it. */
  #lastUp = 0;
  #lastDown = 0;

  constructor(url: string, network: VirtualNetwork) {
    super();
    this.#network = network;
    network.sockets.add(this);
    this.#up(() => void this.#open(new URL(url).searchParams));
  }

  send(text: string): void {
    if (text === "ping") this.#up(() => this.#down("pong"));
    else this.#up(() => this.#socket?.isOpen && this.#network.place.send(this.#socket, text));
  }

  close(code = 1000): void {
    this.drop(code);
  }

  /** Ends the connection. Messages in flight are lost. */
  drop(code = 1006): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.#network.sockets.delete(this);
    if (this.#socket?.isOpen) this.#network.place.disconnect(this.#socket);
    this.dispatchEvent(new CloseEvent("close", { code }));
  }

  /** The object on the other side has crashed. */
  broke(): void {
    this.#socket = undefined;
    this.drop();
  }

  #up(arrive: () => void): void {
    this.#lastUp = Math.max(this.#lastUp, Date.now() + this.#network.delay());
    setTimeout(() => this.readyState !== 3 && arrive(), this.#lastUp - Date.now());
  }

  #down(frame: SentFrame): void {
    const data = typeof frame === "string" ? frame : frame.slice().buffer;
    this.#lastDown = Math.max(this.#lastDown, Date.now() + this.#network.delay());
    const bring = () => this.readyState === 1 && this.dispatchEvent(new MessageEvent("message", { data }));
    setTimeout(bring, this.#lastDown - Date.now());
  }

  async #open(query: URLSearchParams): Promise<void> {
    const socket = await this.#network.place.connect(query.get("id") ?? "", query.toString());
    if (!socket.isOpen || this.readyState === 3) return this.drop();
    this.#socket = socket;
    const opened = () => {
      if (this.readyState === 3) return;
      this.readyState = 1;
      this.dispatchEvent(new Event("open"));
    };
    // The open event comes before the first packet.
    setTimeout(opened, 0);
    for (const frame of socket.frames.splice(0)) this.#down(frame);
    // Forward frames directly. The socket's own client state is not needed here.
    socket.send = (frame) => {
      if (!socket.isOpen) throw new Error("closed");
      this.#down(frame);
      return frame.length;
    };
  }
}

/** Where sockets connect to: a room, or one of its shards. */
interface Place {
  connect(sessionId: string, query: string): Promise<MemorySocket>;
  send(socket: MemorySocket, text: string): void;
  disconnect(socket: MemorySocket): void;
}

/** A room in memory with connections to it or to one of its shards, on vitest's fake timers. */
export class VirtualNetwork<S = unknown> {
  readonly room: MemoryRoom<S>;
  readonly place: Place;
  readonly sockets = new Set<DelayedSocket>();
  delay: Delay;

  readonly #isSharded: boolean;

  constructor(definition: AnyRoom, delay: Delay, via: "room" | "shard" = "room") {
    this.delay = delay;
    this.#isSharded = via === "shard";
    if (via === "shard") {
      const tree = new MemoryTree<S>(definition.compiled, new FakeClock());
      const shard = tree.add("s");
      this.room = tree.room;
      this.place = {
        connect: async (sessionId, query) => shard.connect(sessionId, null, query),
        send: (socket, text) => shard.send(socket, text),
        disconnect: (socket) => shard.disconnect(socket),
      };
      return;
    }
    const room = new MemoryRoom<S>(definition.compiled, new FakeClock());
    this.room = room;
    this.place = {
      connect: (sessionId, query) => room.connect(sessionId, null, undefined, query),
      send: (socket, text) => void room.core.message(socket, text),
      disconnect: (socket) => room.disconnect(socket),
    };
  }

  connect<R extends AnyRoom>(options: Partial<ConnectOptions> = {}): RoomClient<R> {
    const network = this as unknown as VirtualNetwork;
    const WebSocket = class extends DelayedSocket {
      constructor(url: string) {
        super(url, network);
      }
    };
    const socket = { WebSocket, protocol: "ws", minReconnectionDelay: 50, maxReconnectionDelay: 100 } as const;
    return connectRoom<R>({ host: "h", room: "r", id: "me", socket, ...options });
  }

  /** Advances the time, including the room's alarm. */
  async pass(ms: number): Promise<void> {
    // Vitest's async functions use a real timer for each fake one, which takes too long here.
    for (let left = ms; left > 0; left -= STEP) {
      vi.advanceTimersByTime(Math.min(left, STEP));
      for (let promises = 0; promises < PROMISES; promises++) await Promise.resolve();
    }
    if (this.room.alarmAt <= Date.now()) await this.room.ring();
  }

  /** Breaks all connections. */
  drop(): void {
    for (const socket of this.sockets) socket.drop();
  }

  /** Crashes the room's object: its memory and its own sockets are lost. */
  crash(): void {
    this.room.crash();
    if (this.#isSharded) return;
    for (const socket of this.sockets) socket.broke();
  }
}

/** Random numbers from 0 to 1 that depend only on a seed: mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

declare module "vitest" {
  interface ProvidedContext {
    /** The number of random schedules to test. */
    netcodeRuns: number;
  }
}
