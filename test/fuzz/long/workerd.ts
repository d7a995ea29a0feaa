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
  /** Resident memory, in MB. */
  memory(): number;
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
  const { default: binary } = (await import(wrangler.resolve("workerd"))) as { default: string };
  const child = spawn(binary, ["serve", join(folder, "config.capnp"), "--control-fd=3"], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  let output = "";
  const read = (chunk: Buffer) => void (output = (output + chunk.toString()).slice(-2_000_000));
  child.stdout?.on("data", read);
  child.stderr?.on("data", read);
  const exited = new Promise<void>((done) => void child.once("exit", () => done()));
  const port = await new Promise<number>((done, fail) => {
    child.stdio[3]?.on("data", (chunk: Buffer) => {
      for (const line of chunk.toString().trim().split("\n")) {
        const event = JSON.parse(line) as { event: string; port: number };
        if (event.event === "listen") done(event.port);
      }
    });
    void exited.then(() => fail(new Error(`workerd ended:\n${output}`)));
  });
  return {
    port,
    memory: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]) / 1024,
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
