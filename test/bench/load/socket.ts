import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import type { Socket } from "node:net";

/** The buffer into which all sockets read. It is processed before the next socket reads. */
const INBOX = Buffer.allocUnsafe(256 * 1024);
const END_OF_HEAD = Buffer.from("\r\n\r\n");
/** Opcodes: https://www.rfc-editor.org/rfc/rfc6455#section-11.8 */
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

export interface LoadSocketEvents {
  /**
   * A whole message is in `bytes` from `start` to `end`. The buffer is valid during this call only.
   * @returns whether to report messages in batches from now on
   */
  onMessage(bytes: Buffer, start: number, end: number): boolean;
  /** Whole messages are in `bytes` from `start` to `end`, including their frame headers. */
  onBatch(bytes: Buffer, start: number, end: number, count: number, length: number): void;
  onClose(reason: string): void;
}

/**
 * A WebSocket client that does as little work per message as possible, so that the measurement is not about the client.
 * It parses frames in place, and copies and decodes nothing. It offers no extensions, and trusts the server.
 */
export class LoadSocket {
  readonly #socket: Socket;
  readonly #events: LoadSocketEvents;
  #isOpen = false;
  #isInBatches = false;
  /** The beginning of a frame that is not complete yet. */
  #parts: Buffer[] = [];
  #partsLength = 0;
  /** The length that the parts must reach before parsing can continue. */
  #wanted = 0;

  constructor(port: number, path: string, events: LoadSocketEvents) {
    this.#events = events;
    this.#socket = connect({
      port,
      host: "127.0.0.1",
      noDelay: true,
      onread: { buffer: INBOX, callback: (length) => this.#read(INBOX.subarray(0, length)) },
    });
    this.#socket.on("error", (error) => events.onClose(error.message));
    this.#socket.on("close", () => events.onClose("closed"));
    this.#socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n\r\n`,
    );
  }

  send(message: string | Buffer): void {
    this.#socket.write(frame(typeof message === "string" ? TEXT : BINARY, Buffer.from(message)));
  }

  /** Sends several messages in one write. */
  sendAll(messages: readonly (string | Buffer)[]): void {
    const frames = messages.map((m) => frame(typeof m === "string" ? TEXT : BINARY, Buffer.from(m)));
    this.#socket.write(Buffer.concat(frames));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): true {
    if (this.#parts.length > 0 || !this.#isOpen) {
      this.#parts.push(Buffer.from(chunk));
      this.#partsLength += chunk.length;
      if (this.#partsLength < this.#wanted) return true;
      chunk = Buffer.concat(this.#parts);
      this.#parts = [];
      this.#partsLength = 0;
    }
    const used = this.#isOpen ? this.#frames(chunk, 0) : this.#head(chunk);
    if (used < chunk.length) {
      this.#parts = [Buffer.from(chunk.subarray(used))];
      this.#partsLength = chunk.length - used;
    }
    return true;
  }

  #head(chunk: Buffer): number {
    const end = chunk.indexOf(END_OF_HEAD);
    if (end < 0) return 0;
    const head = chunk.toString("latin1", 0, end);
    if (!head.startsWith("HTTP/1.1 101")) {
      this.#events.onClose(head.split("\r\n", 1)[0] ?? "");
      this.destroy();
      return chunk.length;
    }
    this.#isOpen = true;
    return this.#frames(chunk, end + END_OF_HEAD.length);
  }

  /** @returns the position after the last complete frame */
  #frames(chunk: Buffer, from: number): number {
    let at = from;
    let batch = { from, count: 0, length: 0 };
    while (chunk.length - at >= 2) {
      let length = (chunk[at + 1] as number) & 127;
      let start = at + 2;
      if (length === 126) {
        if (chunk.length - at < 4) break;
        length = chunk.readUInt16BE(at + 2);
        start = at + 4;
      } else if (length === 127) {
        if (chunk.length - at < 10) break;
        length = Number(chunk.readBigUInt64BE(at + 2));
        start = at + 10;
      }
      const end = start + length;
      this.#wanted = end - at;
      if (end > chunk.length) break;
      this.#wanted = 0;
      const opcode = (chunk[at] as number) & 15;
      at = end;
      if (opcode !== TEXT && opcode !== BINARY) this.#control(opcode, chunk.subarray(start, end));
      else if (this.#isInBatches) {
        batch.count++;
        batch.length += length;
      } else {
        this.#isInBatches = this.#events.onMessage(chunk, start, end);
        batch = { from: at, count: 0, length: 0 };
      }
    }
    if (batch.count > 0) this.#events.onBatch(chunk, batch.from, at, batch.count, batch.length);
    return at;
  }

  #control(opcode: number, payload: Buffer): void {
    if (opcode === CLOSE) this.#events.onClose(payload.toString("utf8", 2) || "closed");
    else if (opcode === PING) this.#socket.write(frame(PONG, Buffer.from(payload)));
  }
}

/** Clients have to mask their frames. A mask of zeros leaves the payload unchanged. */
function frame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 6 : 8);
  head[0] = 128 | opcode;
  if (length < 126) head[1] = 128 | length;
  else {
    head[1] = 128 | 126;
    head.writeUInt16BE(length, 2);
  }
  return Buffer.concat([head, payload]);
}
