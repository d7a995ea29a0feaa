import type { IncomingMessage } from "node:http";
import { WebSocket } from "../libraries.ts";
import type { Tally } from "./tally.ts";

/** A service that does not answer a close is not waited for, in ms. */
const CLOSE_TIMEOUT = 1000;

/** What the client asks of a WebSocket. */
export type SocketClass = new (url: string) => object;

/**
 * A WebSocket for the client that counts what comes, and how it ends. It is that of `ws`, since Node 20 has none.
 * @param compress whether it offers compression, as browsers do @param isOver whether connections are ended by this side
 * now, which is not counted
 */
export function createCountedSocket(tally: Tally, compress: boolean, isOver: () => boolean): SocketClass {
  return class CountedSocket extends WebSocket {
    constructor(url: string) {
      // Inflating what comes would be most of the work, and nobody reads it.
      super(url, { perMessageDeflate: compress });
      let failure = "";
      let readBefore = 0;
      let response: IncomingMessage | undefined;
      this.on("upgrade", (upgrade) => {
        response = upgrade;
        readBefore = upgrade.socket.bytesRead;
      });
      this.on("error", (error: NodeJS.ErrnoException) => {
        failure = error.message || (error.code ?? "");
      });
      this.on("message", (data: Buffer | ArrayBuffer) => {
        const read = response?.socket.bytesRead ?? 0;
        tally.packets++;
        tally.bytes += data.byteLength;
        tally.wireBytes += read - readBefore;
        readBefore = read;
      });
      this.on("close", (code, reason) => {
        if (!isOver()) tally.closed(code, reason.toString() || failure);
      });
    }

    override close(code?: number, reason?: string): void {
      super.close(code, reason);
      setTimeout(() => this.terminate(), CLOSE_TIMEOUT).unref();
    }
  };
}
