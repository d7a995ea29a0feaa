import { execFile } from "node:child_process";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

/** Settings of the tools: no colours, no questions, no telemetry, and nothing of these tests' environment. */
const QUIET = {
  NODE_ENV: "",
  CI: "true",
  NO_COLOR: "1",
  WRANGLER_SEND_METRICS: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  // With CI set, yarn would refuse to create a lockfile.
  YARN_ENABLE_IMMUTABLE_INSTALLS: "false",
};

/** Runs a program to its end. @returns its output @throws Error with its output if it fails */
export function exec(program: string, args: readonly string[], { cwd }: { readonly cwd: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { cwd, env: { ...process.env, ...QUIET } }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} ${args.join(" ")}: ${error.message}\n${stdout}\n${stderr}`));
      else resolve(stdout);
    });
    // Close stdin, so that a program that asks a question continues without an answer.
    child.stdin?.end();
  });
}
