import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
const START_TIMEOUT = 60_000;

export interface ViteServer {
  readonly host: string;
  /** The output so far. */
  log(): string;
  /** Changes a file of the Worker as an editor does when it saves. */
  edit(name: string, text: string): void;
  /** Stops the server, and removes its folder. */
  kill(): Promise<void>;
}

const CONFIG = `import { cloudflare } from "@cloudflare/vite-plugin";
export default {
  cacheDir: "cache",
  plugins: [cloudflare({ inspectorPort: false, persistState: false })],
  resolve: {
    alias: {
      "durable-rooms/worlds": ${JSON.stringify(join(ROOT, "src/worlds.ts"))},
      "durable-rooms": ${JSON.stringify(join(ROOT, "src/index.ts"))},
    },
  },
  server: { fs: { strict: false } },
};
`;

/** Starts `vite dev` in a copy of a Worker's folder. Resolves when it serves. @throws Error with its output */
export async function startVite(folder: string, port: number): Promise<ViteServer> {
  const cwd = mkdtempSync(join(tmpdir(), "durable-rooms-vite-"));
  cpSync(folder, cwd, { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(cwd, "node_modules"));
  writeFileSync(join(cwd, "package.json"), '{ "type": "module" }');
  writeFileSync(join(cwd, "vite.config.js"), CONFIG);
  const vite = join(ROOT, "node_modules/vite/bin/vite.js");
  // A separate process group, so that everything that Vite starts can be killed with it.
  const child = spawn(process.execPath, [vite, "dev", "--port", String(port), "--strictPort"], {
    cwd,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, CI: "true", NODE_ENV: "development", CLOUDFLARE_CF_FETCH_ENABLED: "false" },
  });
  let output = "";
  const exited = new Promise<void>((done) => void child.once("exit", () => done()));
  const kill = async () => {
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined)
      process.kill(-child.pid, "SIGKILL");
    await exited;
    rmSync(cwd, { recursive: true, force: true });
  };
  const ready = new Promise<void>((done, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      if (/ready in/i.test(output)) done();
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    void exited.then(() => reject(new Error(`vite dev ended:\n${output}`)));
    setTimeout(() => reject(new Error(`vite dev is not ready:\n${output}`)), START_TIMEOUT).unref();
  });
  const edit = (name: string, text: string) => {
    // Replace the file atomically, so that Vite never reads a half-written one.
    const saved = join(cwd, `${name}.saved`);
    writeFileSync(saved, text);
    renameSync(saved, join(cwd, name));
  };
  const host = `localhost:${port}`;
  try {
    await ready;
    const health = await fetch(`http://${host}/health`);
    if (!health.ok) throw new Error(`/health answered ${health.status}:\n${output}`);
  } catch (error) {
    await kill();
    throw error;
  }
  return { host, kill, log: () => output, edit };
}
