import { execFile } from "node:child_process";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

/** The tools' own settings: no colour codes, nobody is asked or told anything, and no environment of these tests. */
const QUIET = {
  NODE_ENV: "",
  CI: "true",
  NO_COLOR: "1",
  WRANGLER_SEND_METRICS: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  // In CI yarn makes no lockfile.
  YARN_ENABLE_IMMUTABLE_INSTALLS: "false",
};

/** Runs a program to its end. @returns what it printed @throws Error with all that it printed, if it failed */
export function exec(program: string, args: readonly string[], { cwd }: { readonly cwd: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { cwd, env: { ...process.env, ...QUIET } }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} ${args.join(" ")}: ${error.message}\n${stdout}\n${stderr}`));
      else resolve(stdout);
    });
    // Whatever asks a question has to go on without an answer.
    child.stdin?.end();
  });
}
