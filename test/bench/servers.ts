import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { COMPATIBILITY_FLAGS, configOf, portsOf, workerdPath } from "../workerd/config.ts";
import type { Served } from "../workerd/config.ts";

const HERE = import.meta.dirname;
const SERVER_CORE = "0";
const LOAD_CORE = "1";

/**
 * A Worker and its Durable Objects, by their bindings. It runs in one process, or in two processes of which the second
 * has the shards. Or a program for Node that reports where it listens.
 */
export type Program = Worker | { readonly kind: "node"; readonly file: string };
interface Worker {
  readonly kind: "workerd";
  /** Whether the shards run in a second process. */
  readonly isSplit?: true;
  readonly file: string;
  readonly objects: Readonly<Record<string, string>>;
}

export interface Server {
  readonly port: number;
  readonly pid: number;
  /** The process that has the shards, if it is a separate one. */
  readonly shards?: Server;
  stop(): Promise<void>;
}

/** Running processes and their folders. The exit handler ends them by their ids, and removes the folders. */
const running = new Set<ChildProcess>();
const folders = new Set<string>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Starts a process on its own core, if the machine has more than one. */
export function startPinned(
  core: string,
  command: string,
  args: readonly string[],
  stdio: ("ignore" | "inherit" | "pipe" | "ipc")[],
): ChildProcess {
  const pin = isPinned ? ["taskset", "-c", core] : [];
  const [first, ...rest] = [...pin, command, ...args] as [string, ...string[]];
  const child = spawn(first, rest, { stdio, serialization: "advanced" });
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

export const isPinned = process.platform === "linux" && availableParallelism() > 1;

/** A program that can be started several times. */
export interface Startable {
  /** The size of a Worker, minified and gzipped, in bytes. */
  readonly gzipped?: number;
  /** @param compresses whether it compresses what it sends to clients that offer compression */
  start(vars?: Readonly<Record<string, string>>, compresses?: boolean): Promise<Server>;
}

/** @param counting whether the Worker counts the rows that it writes */
export async function prepare(program: Program, counting = false): Promise<Startable> {
  if (program.kind === "node") return { start: (_, compresses) => startNode(program.file, compresses) };
  const text = await bundle(
    counting
      ? countingEntry(program)
      : `export * from "./${program.file}";export { default } from "./${program.file}";`,
  );
  return {
    gzipped: gzipSync(text, { level: 9 }).length,
    start: (vars = {}, compresses = false) =>
      program.isSplit
        ? startSplit(program, text, vars)
        : startWorkerd(program, text, { vars, flags: flagsOf(compresses) }),
  };
}

/** An entry module for the Worker, with classes that count rows: see workers/count-rows.ts. */
function countingEntry({ file, objects }: Worker): string {
  return `
    import { counted, serve } from "./workers/count-rows.ts";
    import worker, * as objects from "./${file}";
    ${Object.values(objects)
      .map((name) => `export const ${name} = counted(objects.${name});`)
      .join("\n")}
    export default serve(worker);`;
}

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: HERE },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    conditions: ["workerd", "worker", "browser"],
    // As `wrangler deploy` does, which leaves out code for development.
    define: Object.fromEntries(["", "globalThis."].map((at) => [`${at}process.env.NODE_ENV`, '"production"'])),
    external: ["cloudflare:*", "node:*"],
    write: false,
    logLevel: "warning",
  });
  return outputFiles[0]?.text ?? "";
}

/**
 * Serves a Worker in two processes. That of the room shares a core with the load generator, and should have spare time.
 */
async function startSplit(worker: Worker, text: string, vars: Readonly<Record<string, string>>): Promise<Server> {
  const [port, other] = [await freePort(), await freePort()];
  const shards = await startWorkerd(worker, text, { vars, port: other, other: port });
  const room = await startWorkerd(worker, text, { vars, port, other }, LOAD_CORE);
  const stop = async () => {
    await room.stop();
    await shards.stop();
  };
  return { ...room, shards, stop };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

type Options = Pick<Served, "vars" | "port" | "other" | "flags">;

function flagsOf(compresses: boolean): readonly string[] {
  return COMPATIBILITY_FLAGS.filter((flag) => !(compresses && flag === "no_web_socket_compression"));
}

/** Serves a Worker with workerd, which stores its objects in a new folder. */
async function startWorkerd(worker: Worker, text: string, options: Options, core = SERVER_CORE): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), "durable-rooms-bench-"));
  folders.add(folder);
  const config = join(folder, "config.capnp");
  await mkdir(join(folder, "storage"));
  await writeFile(join(folder, "worker.js"), text);
  await writeFile(config, configOf({ ...options, objects: worker.objects, storage: join(folder, "storage") }));
  const child = startPinned(
    core,
    workerdPath(),
    ["serve", config, "--control-fd=3"],
    ["ignore", "inherit", "inherit", "pipe"],
  );
  const listening = portsOf(child, "listen").then(({ listen }) => listen);
  return serverOf(child, listening, async () => {
    await rm(folder, { recursive: true, force: true });
    folders.delete(folder);
  });
}

async function startNode(file: string, compresses = false): Promise<Server> {
  const args = [join(HERE, file), ...(compresses ? ["--compress"] : [])];
  const child = startPinned(SERVER_CORE, process.execPath, args, ["ignore", "inherit", "inherit", "ipc"]);
  return serverOf(
    child,
    once(child, "message").then(([port]) => port as number),
    async () => {},
  );
}

async function serverOf(
  child: ChildProcess,
  listening: Promise<number>,
  cleanUp: () => Promise<void>,
): Promise<Server> {
  const stop = async () => {
    await end(child);
    await cleanUp();
  };
  const gone = once(child, "exit").then(([code]) => {
    throw new Error(`A server ended with ${code} before it listened`);
  });
  try {
    const port = await Promise.race([listening, gone]);
    gone.catch(() => {});
    return { port, pid: child.pid as number, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Starts the process of the load generator. */
export function startLoad(): ChildProcess {
  return startPinned(
    LOAD_CORE,
    process.execPath,
    [join(HERE, "load/main.ts")],
    ["ignore", "inherit", "inherit", "ipc"],
  );
}

/** Ends a process by its id, and waits until it has exited. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}
