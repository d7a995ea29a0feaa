import type { IncomingMessage } from "node:http";
import { WebSocket } from "../libraries.ts";
import type { Tally } from "./tally.ts";

/** How long to wait for a service that does not answer a close, in ms. */
const CLOSE_TIMEOUT = 1000;

/** The part of a WebSocket that the client uses. */
export type SocketClass = new (url: string) => object;

/**
 * Makes a WebSocket class for the client that counts received data and closes. It uses `ws`, since Node 20 has no
 * WebSocket.
 * @param compress whether it offers compression, as browsers do @param isOver whether this side closes the connections
 * now, which is not counted
 */
export function createCountedSocket(tally: Tally, compress: boolean, isOver: () => boolean): SocketClass {
  return class CountedSocket extends WebSocket {
    constructor(url: string) {
      // Decompression would be most of the work, and the data is not used.
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
