import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { configOf, portsOf, workerdPath } from "./config.ts";

const OBJECTS = { ROOMS: "RoomObject", WORLDS: "WorldObject", SHARDS: "ShardObject" };

export interface Workerd {
  readonly pid: number;
  readonly port: number;
  readonly inspectorPort: number;
  /** Its log so far. */
  log(): string;
  isAlive(): boolean;
  /** Kills it at once, as a crash would (SIGKILL). Resolves when it has exited. */
  kill(): Promise<void>;
}

/** Bundles a Worker into a folder, where {@link startWorkerd} finds it. */
export async function bundleInto(folder: string, entry: string): Promise<void> {
  mkdirSync(join(folder, "objects"));
  await build({
    entryPoints: [entry],
    outfile: join(folder, "worker.js"),
    bundle: true,
    format: "esm",
    target: "es2024",
    external: ["cloudflare:*"],
    conditions: ["workerd", "worker"],
    logLevel: "error",
  });
}

/**
 * Starts a bare workerd with a bundled service: `createRooms` with a World. It continues with the objects that an
 * earlier one stored in the folder. Resolves when it listens.
 */
export async function startWorkerd(folder: string, vars: Readonly<Record<string, string>>): Promise<Workerd> {
  const config = join(folder, "config.capnp");
  writeFileSync(config, configOf({ objects: OBJECTS, vars, storage: join(folder, "objects") }));
  const child = spawn(workerdPath(), ["serve", config, "--control-fd=3", "--inspector-addr=127.0.0.1:0"], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const killWithUs = () => void child.kill("SIGKILL");
  process.on("exit", killWithUs);
  let output = "";
  const read = (chunk: Buffer) => void (output = (output + chunk.toString()).slice(-2_000_000));
  child.stdout?.on("data", read);
  child.stderr?.on("data", read);
  const exited = new Promise<void>((done) => void child.once("exit", () => done()));
  void exited.then(() => process.off("exit", killWithUs));
  const early = exited.then(() => {
    throw new Error(`workerd ended:\n${output}`);
  });
  const ports = await Promise.race([portsOf(child, "listen", "listen-inspector"), early]);
  early.catch(() => {});
  return {
    pid: child.pid as number,
    port: ports.listen,
    inspectorPort: ports["listen-inspector"],
    log: () => output,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
