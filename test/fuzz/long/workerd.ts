import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { build } from "esbuild";

const HERE = resolve(import.meta.dirname, "..");

/** The service's secrets: text that must never be seen outside. */
export const SECRETS = {
  AUTH_JWT_SECRET: "a-secret-that-signs-tokens-of-the-fuzzed-service",
  SHARD_SECRET: "a-secret-that-shards-of-the-fuzzed-service-show",
} as const;

export interface Workerd {
  readonly port: number;
  /** Resident memory, and what of the JavaScript heap is in use after a collection, in MB. */
  memory(): Promise<{ resident: number; heap: number }>;
  /** What it wrote to its log. */
  log(): string;
  isAlive(): boolean;
  stop(): Promise<void>;
}

/** Starts a bare workerd with the service in it, and its objects stored in a folder. Resolves when it listens. */
export async function startWorkerd(folder: string): Promise<Workerd> {
  await build({
    entryPoints: [join(HERE, "worker.ts")],
    outfile: join(folder, "worker.js"),
    bundle: true,
    format: "esm",
    target: "es2024",
    external: ["cloudflare:*"],
    conditions: ["workerd", "worker"],
    logLevel: "error",
  });
  writeFileSync(join(folder, "config.capnp"), configOf(folder));
  const wrangler = createRequire(createRequire(import.meta.url).resolve("wrangler"));
  const binary = (wrangler("workerd") as { default: string }).default;
  const child = spawn(
    binary,
    ["serve", join(folder, "config.capnp"), "--control-fd=3", "--inspector-addr=127.0.0.1:0"],
    {
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    },
  );
  let output = "";
  const read = (chunk: Buffer) => void (output = (output + chunk.toString()).slice(-2_000_000));
  child.stdout?.on("data", read);
  child.stderr?.on("data", read);
  const exited = new Promise<void>((done) => void child.once("exit", () => done()));
  const ports = new Map<string, number>();
  await new Promise<void>((done, fail) => {
    child.stdio[3]?.on("data", (chunk: Buffer) => {
      for (const line of chunk.toString().trim().split("\n")) {
        const event = JSON.parse(line) as { event: string; port: number };
        ports.set(event.event, event.port);
      }
      if (ports.size === 2) done();
    });
    void exited.then(() => fail(new Error(`workerd ended:\n${output}`)));
  });
  return {
    port: ports.get("listen") ?? 0,
    async memory() {
      const heap = await heapOf(ports.get("listen-inspector") ?? 0);
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      return { resident: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024, heap };
    },
    log: () => output,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    async stop() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

function configOf(folder: string): string {
  const names = { ROOMS: "RoomObject", WORLDS: "WorldObject", SHARDS: "ShardObject" };
  const list = (of: (name: string, made: string) => string) =>
    Object.entries(names)
      .map(([name, made]) => of(name, made))
      .join(", ");
  const secrets = Object.entries(SECRETS).map(([name, text]) => `(name = "${name}", text = "${text}")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main), (name = "disk", disk = (path = "${folder}/objects", writable = true))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2026-10-01",
  bindings = [${list((name, made) => `(name = "${name}", durableObjectNamespace = "${made}")`)}, ${secrets.join(", ")}],
  durableObjectNamespaces = [${list((_, made) => `(className = "${made}", uniqueKey = "${made}", enableSql = true)`)}],
  durableObjectStorage = (localDisk = "disk"),
);
`;
}

/** Asks the inspector. https://chromedevtools.github.io/devtools-protocol/v8/Runtime/#method-getHeapUsage */
async function heapOf(port: number): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/main`);
  await new Promise((opened) => socket.addEventListener("open", opened));
  const ask = (id: number, method: string) =>
    new Promise<{ usedSize: number }>((answered) => {
      socket.addEventListener("message", ({ data }) => {
        const answer = JSON.parse(String(data)) as { id?: number; result: { usedSize: number } };
        if (answer.id === id) answered(answer.result);
      });
      socket.send(JSON.stringify({ id, method }));
    });
  await ask(1, "HeapProfiler.enable");
  await ask(2, "HeapProfiler.collectGarbage");
  const { usedSize } = await ask(3, "Runtime.getHeapUsage");
  socket.close();
  return usedSize / 2 ** 20;
}
