import { ByteReader } from "../../../src/protocol/binary/bytes.ts";
import { readSyncHead } from "../../../src/protocol/binary/frames.ts";
import { encodeRequest } from "../../../src/protocol/packets.ts";

/** What a client has to know of a server's packets. */
export interface Protocol {
  /** The path of the socket of a client. */
  address(port: number, path: string, client: number): string | Promise<string>;
  /**
   * Looks at a packet of a client that is not in yet: one that is has its whole state, and a mark.
   * @returns whether it is in now
   */
  welcome(bytes: Buffer, start: number, end: number, client: Newcomer): boolean;
  /** The number that starts here. */
  readX(bytes: Buffer, at: number): number;
  /** The requests to confirm what was read, in whole messages. */
  requests(bytes: Buffer, start: number, end: number): readonly number[];
  action(action: string, value: { x: number; y: number }): string | Buffer;
}

/** A client that is not in yet. */
export interface Newcomer {
  /** What stands before the x of this very client in packets. */
  mark?: Buffer;
  hasState?: boolean;
  answer(message: Buffer): void;
}

const PUBLIC_ID = Buffer.from('"pId":"');
const REQUEST = Buffer.from(encodeRequest(0, 0).replace(/0.*/, ""));
/** A sync packet without a number, and with this section alone. */
const BINARY_REQUEST = Buffer.from([1, 0, 1, 11]);
const QUOTE = 34;
const ZERO = 48;

/** The first byte of a WebSocket message of bytes, and what stands for a length of two bytes more. */
const [BINARY_MESSAGE, LONG] = [0x82, 126];

/** Whether a message begins there, since values in the middle of one may look like a request. */
function beginsFrame(bytes: Buffer, start: number, at: number): boolean {
  return (
    at === start || bytes[at - 2] === BINARY_MESSAGE || (bytes[at - 4] === BINARY_MESSAGE && bytes[at - 3] === LONG)
  );
}

/** The packets of `@signe/sync`, which (a) to (d) speak. */
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
