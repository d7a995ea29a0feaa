/** What a client has to know of a server's packets. */
export interface Protocol {
  /**
   * Looks at a packet of a client that has no first packet yet.
   * @param answer sends something back
   * @returns what stands before the x of this very client in later packets, once it is in
   */
  welcome(bytes: Buffer, start: number, end: number, answer: (message: Buffer) => void): Buffer | undefined;
  /** The number that starts here. */
  readX(bytes: Buffer, at: number): number;
  action(action: string, value: unknown): string | Buffer;
}

const PUBLIC_ID = Buffer.from('"pId":"');
const QUOTE = 34;
const ZERO = 48;

/** The packets of `@signe/sync`, which (a) to (d) speak. */
const json: Protocol = {
  welcome(bytes, start, end) {
    const at = bytes.indexOf(PUBLIC_ID, start);
    if (at < 0 || at >= end) return undefined;
    const from = at + PUBLIC_ID.length;
    const id = bytes.toString("latin1", from, bytes.indexOf(QUOTE, from));
    return Buffer.from(`"${id}":{"x":`);
  },
  readX(bytes, at) {
    let value = 0;
    for (let digit = (bytes[at++] as number) - ZERO; digit >= 0 && digit <= 9; digit = (bytes[at++] as number) - ZERO) {
      value = value * 10 + digit;
    }
    return value;
  },
  action: (action, value) => JSON.stringify({ action, value }),
};

export const PROTOCOLS = { json };
