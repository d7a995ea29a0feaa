import { connect, createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { freePort } from "./dev-server.ts";

/** A proxy whose line to the server can be cut: data in flight is lost, and new connections fail. */
export class Wire {
  readonly url: string;
  readonly #port: number;
  readonly #to: number;
  readonly #ends = new Set<Socket>();
  #server: Server | undefined;

  static async to(port: number): Promise<Wire> {
    const wire = new Wire(await freePort(), port);
    await wire.mend();
    return wire;
  }

  private constructor(port: number, to: number) {
    this.#port = port;
    this.#to = to;
    this.url = `http://localhost:${port}`;
  }

  async mend(): Promise<void> {
    const server = (this.#server = createServer((near) => this.#join(near, connect(this.#to, "localhost"))));
    await new Promise<void>((resolve) => void server.listen(this.#port, () => resolve()));
  }

  cut(): void {
    this.#server?.close();
    for (const end of this.#ends) end.destroy();
  }

  #join(near: Socket, far: Socket): void {
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#ends.add(end);
      end.pipe(other);
      end.on("error", () => other.destroy());
      end.on("close", () => {
        this.#ends.delete(end);
        other.destroy();
      });
    }
  }
}
