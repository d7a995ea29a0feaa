import { signal } from "@signe/reactive";
import { afterEach, beforeEach, vi } from "vitest";
import { z } from "zod";
import { connectRoom } from "../../src/client/index.ts";
import type { ConnectOptions, RoomClient } from "../../src/client/index.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { collection, sync } from "../../src/state/fields.ts";

/** The room that the tests imitate. Its code never runs. */
export const scriptedRoom = defineRoom({
  path: "r",
  state: () => ({
    count: sync(signal(0)),
    name: sync(signal("")),
    config: sync(signal({ map: { width: 1 } })),
    coins: collection(() => ({ worth: sync(signal(1)) })),
  }),
  actions: {
    set: { input: z.number(), run: () => "done" },
    rename: { input: z.string(), run: () => {} },
  },
});
export type ScriptedClient = RoomClient<typeof scriptedRoom>;

/** A WebSocket whose server is the test. */
export class ScriptedSocket extends EventTarget {
  readyState = 0;
  readonly url: URL;
  readonly sent: string[] = [];
  /** The code with which the client closed it. */
  closedWith: number | undefined;

  constructor(url: string) {
    super();
    this.url = new URL(url);
  }

  get query(): Record<string, string> {
    return Object.fromEntries(this.url.searchParams);
  }

  /** The messages that the client sent, without pings. */
  get messages(): { action: string; value?: unknown; id?: string }[] {
    return this.sent.filter((text) => text !== "ping").map((text) => JSON.parse(text) as { action: string });
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(code = 1000): void {
    this.readyState = 3;
    this.closedWith = code;
  }

  open(): this {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
    return this;
  }

  text(data: string): void {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }

  binary(bytes: Uint8Array<ArrayBuffer>): void {
    this.dispatchEvent(new MessageEvent("message", { data: bytes.buffer }));
  }

  packet(type: string, value: unknown, head: Record<string, unknown> = {}): void {
    this.text(JSON.stringify({ type, ...head, value }));
  }

  sync(value: unknown, head?: Record<string, unknown>): void {
    this.packet("sync", value, head);
  }

  /** @param seq the number of the packet that completes the effect of the action */
  ack(index: number, result?: unknown, seq?: number): void {
    this.packet("ack", { id: this.messages[index]?.id, result }, { seq });
  }

  refuse(index: number, code = "forbidden"): void {
    this.packet("error", { id: this.messages[index]?.id, code, message: "No" });
  }

  drop(code = 1006, reason = ""): void {
    this.readyState = 3;
    this.dispatchEvent(new CloseEvent("close", { code, reason }));
  }
}

/** The sockets that a client creates. The test needs `vi.useFakeTimers()`: {@link scripted} calls it. */
export class Script {
  readonly sockets: ScriptedSocket[] = [];
  readonly socket = { WebSocket: this.#makeWebSocket(), protocol: "ws", minReconnectionDelay: 1 } as const;

  connect(options: Partial<ConnectOptions> = {}): ScriptedClient {
    const { socket } = this;
    return connectRoom<typeof scriptedRoom>({ host: "h", room: "r", id: "me", socket, ...options });
  }

  /** Advances the time, and returns the socket that the client created meanwhile. */
  async next(ms = 10): Promise<ScriptedSocket> {
    const before = this.sockets.length;
    await vi.advanceTimersByTimeAsync(ms);
    const made = this.sockets.slice(before);
    if (made.length !== 1) throw new Error(`The client made ${made.length} sockets, not one`);
    return made[0] as ScriptedSocket;
  }

  #makeWebSocket() {
    const { sockets } = this;
    return class extends ScriptedSocket {
      constructor(url: string) {
        super(url);
        sockets.push(this);
      }
    };
  }
}

/** The script of each test of a file or a group. Its sockets are new in each test, and the timers are fake. */
export function scripted(): Script {
  const script = new Script();
  beforeEach(() => {
    vi.useFakeTimers();
    script.sockets.length = 0;
  });
  afterEach(() => void vi.useRealTimers());
  return script;
}
