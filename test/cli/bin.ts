import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const BIN = join(import.meta.dirname, "../../src/cli/bin.ts");

export interface BinOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Its standard input. Default: empty, as a closed pipe. */
  readonly input?: string;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command as a user would, in a process of its own without a terminal. */
export function startBin(args: readonly string[], { env = {}, cwd, input = "" }: BinOptions = {}) {
  const onlyThis = { PATH: process.env["PATH"], ...env } as unknown as NodeJS.ProcessEnv;
  const child = spawn(process.execPath, [BIN, ...args], { cwd, env: onlyThis, stdio: "pipe" });
  child.stdin.end(input);
  const ended = Promise.all([
    new Promise<number | null>((resolve) => void child.once("close", resolve)),
    text(child.stdout),
    text(child.stderr),
  ]).then(([code, stdout, stderr]): Ended => ({ code, stdout, stderr }));
  return { child, ended };
}

export function runBin(args: readonly string[], options?: BinOptions): Promise<Ended> {
  return startBin(args, options).ended;
}

/** Runs a command whose output nobody reads, as `| head` does once it has read enough. */
export async function runUnread(args: readonly string[]): Promise<Omit<Ended, "stdout">> {
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  const closed = new Promise<number | null>((resolve) => void child.once("close", resolve));
  const stderr = await text(child.stderr);
  return { code: await closed, stderr };
}
