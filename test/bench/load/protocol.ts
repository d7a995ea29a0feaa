import { ByteReader } from "../../../src/protocol/binary/bytes.ts";
import { readSyncHead } from "../../../src/protocol/binary/frames.ts";
import { encodeRequest } from "../../../src/protocol/packets.ts";

/** How a client reads and writes the packets of a server, without decoding more than it needs. */
export interface Protocol {
  /** The URL path of the socket of a client. */
  address(port: number, path: string, client: number): string | Promise<string>;
  /**
   * Reads a packet for a client that has not joined yet. A client has joined when it has the whole state and a mark.
   * @returns whether the client has joined now
   */
  welcome(bytes: Buffer, start: number, end: number, client: Newcomer): boolean;
  /** Reads the x coordinate at this position. */
  readX(bytes: Buffer, at: number): number;
  /** The numbers in all requests for confirmation within some whole messages. */
  requests(bytes: Buffer, start: number, end: number): readonly number[];
  action(action: string, value: { x: number; y: number }): string | Buffer;
}

/** A client that has not joined yet. */
export interface Newcomer {
  /** The bytes that precede the x of this client's own player in packets. */
  mark?: Buffer;
  hasState?: boolean;
  answer(message: Buffer): void;
}

const PUBLIC_ID = Buffer.from('"pId":"');
const REQUEST = Buffer.from(encodeRequest(0, 0).replace(/0.*/, ""));
/** The beginning of a sync packet without a number that has only the section with a request. */
const BINARY_REQUEST = Buffer.from([1, 0, 1, 11]);
const QUOTE = 34;
const ZERO = 48;

/** The first byte of a binary WebSocket message, and the code for a length that takes two more bytes. */
const [BINARY_MESSAGE, LONG] = [0x82, 126];

/** Whether a message begins there. Values inside of a message may look like a request. */
function beginsFrame(bytes: Buffer, start: number, at: number): boolean {
  return (
    at === start || bytes[at - 2] === BINARY_MESSAGE || (bytes[at - 4] === BINARY_MESSAGE && bytes[at - 3] === LONG)
  );
}

/** The JSON packets of `@signe/sync`, which the servers (a) to (d) send. */
export const json: Protocol = {
  address: (_port, path, client) => path.replace("{n}", String(client)),
  welcome(bytes, start, end, client) {
    const at = bytes.indexOf(PUBLIC_ID, start);
    if (at < 0 || at >= end) return false;
    const from = at + PUBLIC_ID.length;
    const id = bytes.toString("latin1", from, bytes.indexOf(QUOTE, from));
    client.mark = Buffer.from(`"${id}":{"x":`);
    return true;
  },
  readX(bytes, at) {
    let value = 0;
    for (let digit = (bytes[at++] as number) - ZERO; digit >= 0 && digit <= 9; digit = (bytes[at++] as number) - ZERO) {
      value = value * 10 + digit;
    }
    return value;
  },
  requests(bytes, start, end) {
    const found: number[] = [];
    for (let at = bytes.indexOf(REQUEST, start); at >= 0 && at < end; at = bytes.indexOf(REQUEST, at + 1)) {
      found.push(json.readX(bytes, at + REQUEST.length));
    }
    for (
      let at = bytes.indexOf(BINARY_REQUEST, start);
      at >= 0 && at < end;
      at = bytes.indexOf(BINARY_REQUEST, at + 1)
    ) {
      if (beginsFrame(bytes, start, at)) found.push(readSyncHead(new ByteReader(bytes.subarray(at + 1))).confirm ?? 0);
    }
    return found;
  },
  action: (action, value) => JSON.stringify({ action, value }),
};
