import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A `wrangler dev` of its own, with storage that survives a restart. */
export class DevServer {
  readonly #storage = mkdtempSync(join(tmpdir(), "durable-rooms-"));
  #process: ChildProcess | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts it, on the port that it had before if it ran already, and waits until it answers. */
  async start(): Promise<void> {
    this.#port ||= await freePort();
    const flags = ["--port", `${this.#port}`, "--ip", "127.0.0.1", "--inspector-port", `${await freePort()}`];
    this.#process = spawn(
      "npx",
      ["wrangler", "dev", ...flags, "--env-file", ".dev.vars.example", "--persist-to", this.#storage],
      { detached: true, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, WRANGLER_SEND_METRICS: "false" } },
    );
    let output = "";
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes("Ready on")) resolve();
    };
    this.#process.stdout?.on("data", read);
    this.#process.stderr?.on("data", read);
    this.#process.once("exit", () => reject(new Error(`wrangler dev ended:\n${output}`)));
    await promise;
  }

  /** Kills it at once, with all that it started: nothing gets a chance to tidy up. */
  async kill(): Promise<void> {
    const { pid } = this.#process ?? {};
    if (!this.#process || pid === undefined) return;
    this.#process.removeAllListeners("exit");
    const ended = once(this.#process, "exit");
    process.kill(-pid, "SIGKILL");
    await ended;
    this.#process = undefined;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#storage, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
