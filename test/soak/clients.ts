import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { WebSocket } from "ws";
import { requestIn } from "../../src/protocol/packets.ts";

/** A client whose connection breaks with a TCP reset a moment after it has asked to join. */
export async function resetWhileJoining(url: string, ms: number): Promise<void> {
  const { hostname, port, pathname, search } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  await new Promise((done) => socket.once("connect", done));
  const headers = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
  const key = `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`;
  socket.write([`GET ${pathname}${search} HTTP/1.1`, `Host: ${hostname}`, ...headers, key, "", ""].join("\r\n"));
  await wait(ms);
  socket.resetAndDestroy();
}

/** A client that only keeps the answers that it waits for. */
export class SoakClient {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<string, (answer: unknown) => void>();
  readonly #closed: Promise<void>;
  #calls = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.#closed = new Promise((done) => socket.once("close", () => done()));
    socket.on("error", () => {});
    socket.on("message", (data: Buffer) => this.#receive(data));
  }

  /** @returns undefined if the service does not let it in */
  static async connect(url: string): Promise<SoakClient | undefined> {
    const client = new SoakClient(new WebSocket(url, { perMessageDeflate: false }));
    const first = new Promise<boolean>((done) => {
      client.#socket.once("message", () => done(true));
      client.#socket.once("close", () => done(false));
    });
    return (await first) ? client : undefined;
  }

  /** @returns the value of the answer; undefined if the connection ends first */
  async call(action: string, value?: unknown): Promise<unknown> {
    const id = `call-${this.#calls++}`;
    const answer = new Promise((done) => this.#waiting.set(id, done));
    this.send(action, value, id);
    return Promise.race([answer, this.#closed]).finally(() => this.#waiting.delete(id));
  }

  send(action: string, value?: unknown, id?: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ action, value, id }));
  }

  /** Stops reading. */
  pause(): void {
    this.#socket.pause();
  }

  leave(): Promise<void> {
    this.#socket.terminate();
    return this.#closed;
  }

  #receive(data: Buffer): void {
    const request = requestIn(data.toString());
    if (request !== undefined) this.#socket.send(`{"confirm":${request}}`);
    if (this.#waiting.size === 0) return;
    const { value } = JSON.parse(data.toString()) as { value?: { id?: string; result?: unknown } };
    const done = value?.id === undefined ? undefined : this.#waiting.get(value.id);
    done?.(value?.result);
  }
}
