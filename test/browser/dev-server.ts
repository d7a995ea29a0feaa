import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { delimiter, dirname, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
const START_TIMEOUT = 60_000;

export interface DevServer {
  readonly url: string;
  /** The output so far. */
  log(): string;
  /**
   * Kills it at once with all processes that it started, as if the machine had stopped. Resolves when they are gone.
   */
  kill(): Promise<void>;
}

export interface DevServerOptions {
  readonly port: number;
  /** Where objects are stored. */
  readonly persistTo: string;
  /** Default: the example file in this project. In another project, the file that wrangler finds there. */
  readonly envFile?: string | undefined;
  /** The folder of the project. Default: that of this project. */
  readonly cwd?: string;
  /** The status of `/health` once the server is ready. Default 200. */
  readonly health?: number;
}

/** Starts `wrangler dev`. Resolves when it accepts requests. @throws Error with its output if it exits instead */
export async function startDevServer({
  port,
  persistTo,
  cwd = ROOT,
  health: expected = 200,
  envFile = cwd === ROOT ? "src/demo/.dev.vars.example" : undefined,
}: DevServerOptions): Promise<DevServer> {
  const flags = ["--port", String(port), "--inspector-port", "0", "--persist-to", persistTo];
  if (envFile !== undefined) flags.push("--env-file", envFile);
  // The project's own wrangler. Examples that share one install have it in a parent folder.
  const wrangler = createRequire(join(cwd, "package.json")).resolve("wrangler/package.json");
  // A separate process group, so that everything that wrangler starts can be killed with it.
  const child = spawn(
    process.execPath,
    [join(dirname(wrangler), "bin/wrangler.js"), "dev", ...flags, "--show-interactive-dev-session=false"],
    {
      cwd,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        // Unset as for a developer: wrangler would pass vitest's value on to the Worker.
        NODE_ENV: "",
        WRANGLER_SEND_METRICS: "false",
        // wrangler reports at this level that it is ready. The suite in workerd sets a higher one.
        WRANGLER_LOG: "info",
        CLOUDFLARE_CF_FETCH_ENABLED: "false",
        CI: "true",
        PATH: [join(cwd, "node_modules/.bin"), process.env["PATH"]].join(delimiter),
      },
    },
  );
  let output = "";
  const exited = new Promise<void>((resolve) => void child.once("exit", () => resolve()));
  const kill = async () => {
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined)
      process.kill(-child.pid, "SIGKILL");
    await exited;
  };
  const ready = new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes("Ready on http")) resolve();
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("error", reject);
    void exited.then(() => reject(new Error(`wrangler dev ended:\n${output}`)));
    setTimeout(
      () => reject(new Error(`wrangler dev is not ready after ${START_TIMEOUT} ms:\n${output}`)),
      START_TIMEOUT,
    ).unref();
  });
  const url = `http://localhost:${port}`;
  try {
    await ready;
    const health = await fetch(`${url}/health`);
    if (health.status !== expected) throw new Error(`/health answered ${health.status}:\n${output}`);
  } catch (error) {
    await kill();
    throw error;
  }
  return { url, kill, log: () => output };
}

/** A port that is free right now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, () => resolve()));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => void server.close(resolve));
  return port;
}
