import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import type { Socket } from "node:net";

/** How long a connection may stay silent before an attacker gives up, in ms. */
const PATIENCE = 3000;

/** A TCP connection that keeps everything it receives. */
export class Wire {
  readonly socket: Socket;
  /** Resolves when the other side closes, or after a silence. */
  readonly ended: Promise<void>;
  #got: Buffer[] = [];
  #waiting = new Set<() => void>();
  #isOver = false;

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise.then(() => {
      this.#isOver = true;
      this.#wake();
    });
    this.socket.on("data", (chunk) => {
      this.#got.push(chunk);
      this.#wake();
    });
    // Broken connections are expected here.
    this.socket.on("error", () => resolve());
    this.socket.on("end", () => resolve());
    this.socket.on("close", () => resolve());
    this.socket.setTimeout(PATIENCE, () => resolve());
  }

  get text(): string {
    return Buffer.concat(this.#got).toString("latin1");
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#got);
  }

  write(data: Buffer | string): void {
    if (!this.socket.destroyed && this.socket.writable) this.socket.write(data);
  }

  /** Waits until the received text fulfils a condition. @returns whether it did before the end */
  async until(isThere: (text: string) => boolean): Promise<boolean> {
    while (!isThere(this.text)) {
      if (this.#isOver) return false;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
    return true;
  }

  destroy(): void {
    this.socket.destroy();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** The HTTP request that opens a WebSocket: RFC 6455, section 4.1. */
export function upgrade(path: string, headers: readonly (readonly [string, string])[] = []): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    "Host: fuzz.test",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    "Sec-WebSocket-Version: 13",
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

export interface RawFrame {
  readonly opcode: number;
  readonly payload: Buffer;
  readonly isFinal?: boolean;
  /** The reserved bits as a number from 0 to 7. */
  readonly reserved?: number;
  readonly isMasked?: boolean;
  /** The length that the frame claims, if it is not its real length. */
  readonly claims?: number;
}

/** Encodes a frame: RFC 6455, section 5.2. */
export function encodeFrame({
  opcode,
  payload,
  isFinal = true,
  reserved = 0,
  isMasked = true,
  claims,
}: RawFrame): Buffer {
  const length = claims ?? payload.length;
  const size = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const head = Buffer.alloc(size);
  head[0] = (isFinal ? 0x80 : 0) | ((reserved & 7) << 4) | (opcode & 15);
  head[1] = (isMasked ? 0x80 : 0) | (size === 2 ? length : size === 4 ? 126 : 127);
  if (size === 4) head.writeUInt16BE(length, 2);
  if (size === 10) head.writeBigUInt64BE(BigInt(length), 2);
  if (!isMasked) return Buffer.concat([head, payload]);
  const mask = randomBytes(4);
  const masked = Buffer.from(payload.map((byte, index) => byte ^ (mask[index % 4] as number)));
  return Buffer.concat([head, mask, masked]);
}
