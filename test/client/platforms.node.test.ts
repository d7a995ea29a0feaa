import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleInto, startWorkerd } from "../workerd/process.ts";
import type { Workerd } from "../workerd/process.ts";

const CLIENT = join(import.meta.dirname, "../../src/client/index.ts");
const SECRETS = { AUTH_JWT_SECRET: "a secret of the tests, 32 bytes or more", SHARD_SECRET: "a secret of shards" };

let workerd: Workerd;
const folder = mkdtempSync(join(tmpdir(), "platforms-"));

beforeAll(async () => {
  await bundleInto(folder, join(import.meta.dirname, "../sockets/worker.ts"));
  workerd = await startWorkerd(folder, SECRETS);
}, 60_000);
afterAll(async () => {
  await workerd.kill();
  rmSync(folder, { recursive: true });
});

/** Events in React Native: plain objects, because `Event` does not exist. */
type NativeEvent = { readonly type: string; readonly data?: unknown; readonly code?: number; readonly reason?: string };

/** The WebSocket of React Native, which does not inherit from `EventTarget`. */
class NativeSocket {
  binaryType: "blob" | "arraybuffer" = "blob";
  readonly #socket: WebSocket;
  readonly #owns = new Map<(event: NativeEvent) => void, (event: Event) => void>();

  constructor(url: string) {
    this.#socket = new WebSocket(url);
    this.#socket.binaryType = "arraybuffer";
  }

  get readyState(): number {
    return this.#socket.readyState;
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  close(code?: number): void {
    this.#socket.close(code);
  }

  addEventListener(type: keyof WebSocketEventMap, listener: (event: NativeEvent) => void): void {
    const own = (event: Event) => {
      const { data, code, reason } = event as unknown as NativeEvent;
      const has = { ...(data !== undefined && { data }), ...(code !== undefined && { code, reason }) };
      listener({ type, ...has });
    };
    this.#owns.set(listener, own);
    this.#socket.addEventListener(type, own);
  }

  removeEventListener(type: keyof WebSocketEventMap, listener: (event: NativeEvent) => void): void {
    const own = this.#owns.get(listener);
    if (own) this.#socket.removeEventListener(type, own);
  }
}

/** The `AbortController` of React Native, which lacks later additions. */
class NativeAbortController {
  readonly #own = new AbortController();
  readonly signal: object;

  constructor() {
    const { signal } = this.#own;
    this.signal = {
      get aborted() {
        return signal.aborted;
      },
      addEventListener: signal.addEventListener.bind(signal),
      removeEventListener: signal.removeEventListener.bind(signal),
      own: signal,
    };
  }

  abort(): void {
    this.#own.abort();
  }
}

/** Runs the client with only the language and the globals of React Native 0.72 with Hermes. */
async function inReactNative(script: string): Promise<Record<string, unknown>> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import * as client from ${JSON.stringify(CLIENT)}; globalThis.client = client;`,
      resolveDir: ".",
    },
    bundle: true,
    format: "iife",
    write: false,
  });
  const fetchNative = (url: string, { signal, ...init }: RequestInit & { signal: { own: AbortSignal } }) =>
    fetch(url, { ...init, signal: signal.own });
  const outcome: Record<string, unknown> = {};
  const context = createContext({
    WebSocket: NativeSocket,
    AbortController: NativeAbortController,
    fetch: fetchNative,
    performance: { now: () => performance.now() },
    navigator: { product: "ReactNative" },
    console,
    setTimeout,
    clearTimeout,
    queueMicrotask,
    outcome,
    host: `127.0.0.1:${workerd.port}`,
  });
  runInContext(outputFiles[0]?.text ?? "", context);
  await runInContext(`(async () => { ${script} })()`, context);
  return outcome;
}

describe("React Native", () => {
  it("connects, calls, and keeps its id in an asynchronous storage", async () => {
    const outcome = await inReactNative(`
      const kept = new Map();
      const storage = { getItem: async (key) => kept.get(key) ?? null, setItem: async (key, id) => void kept.set(key, id) };
      const game = client.connectRoom({ host, room: "door-native", storage });
      await new Promise((resolve) => game.on("status", (status) => status === "open" && resolve()));
      await game.call("rename", "Ada");
      outcome.id = game.id;
      outcome.kept = [...kept.values()];
      outcome.names = Object.values(game.state.players).map(({ name }) => name);
      game.close();
    `);
    expect(outcome).toEqual({ id: expect.stringMatching(/^[0-9a-f]{32}$/), kept: [outcome["id"]], names: ["Ada"] });
  });

  it("asks a World, and reports a refusal", async () => {
    const outcome = await inReactNative(`
      const game = client.connectWorld({ host, room: "door-none/", worldId: "w" });
      outcome.status = await new Promise((resolve) => {
        game.on("status", (status) => status === "open" && resolve(status));
        game.on("error", ({ message }) => resolve(message));
      });
      game.close();
      const none = client.connectRoom({ host, room: "nowhere" });
      outcome.closed = await new Promise((resolve) => none.on("closed", ({ code }) => resolve(code)));
    `);
    expect(outcome).toEqual({ status: "open", closed: 4404 });
  });
});

describe("Node", () => {
  /**
   * Runs a script in a process. It may call `closed`, after which no timer may be left.
   * @param begun resolves when the script gets a line of text
   * @returns the exit code, when the process has ended by itself
   */
  async function run(script: string, begun: Promise<unknown>): Promise<unknown> {
    const code = `import * as client from ${JSON.stringify(CLIENT)};
      const hasTimer = () => process.getActiveResourcesInfo().includes("Timeout");
      const closed = () => setImmediate(() => (process.exitCode = hasTimer() ? 1 : 0));
      process.exitCode = 2;
      ${script}`;
    const args = ["--no-warnings", "--input-type=module", "-e", code];
    const child = spawn(process.execPath, args, { stdio: ["pipe", "inherit", "inherit"] });
    const exit = once(child, "exit");
    await begun;
    child.stdin.end("go on\n");
    return (await exit)[0];
  }

  it("ends at once when a client that waits for its next attempt is closed", async () => {
    const socket = "{ minReconnectionDelay: 1e6, maxReconnectionDelay: 1e6 }";
    const exit = await run(
      `
      const game = client.connectRoom({ host: "127.0.0.1:1", room: "r", socket: ${socket} });
      game.on("error", () => setImmediate(() => {
        if (!hasTimer()) throw new Error("It does not wait");
        game.close();
        closed();
      }));
    `,
      Promise.resolve(),
    );
    expect(exit).toBe(0);
  });

  it("ends at once when a client that asks a silent World is closed", async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const exit = await run(
      `
      const game = client.connectWorld({ host: "127.0.0.1:${port}", room: "r" });
      process.stdin.once("data", () => {
        if (!hasTimer()) throw new Error("It does not ask");
        game.close();
        closed();
      });
    `,
      once(silent, "connection"),
    );
    expect(exit).toBe(0);
    silent.close();
  });
});
