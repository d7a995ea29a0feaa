import { spawn } from "node:child_process";
import { once } from "node:events";
import { Failure } from "../failure.ts";

const KNOWN = new Set(["npm", "pnpm", "yarn", "bun"]);

/** The one that started this command, as it says itself; or else npm. */
export function packageManager(): string {
  const name = process.env["npm_config_user_agent"]?.split("/", 1)[0] ?? "";
  return KNOWN.has(name) ? name : "npm";
}

/** Installs the packages of a project. @throws Failure if that did not work */
export async function install(manager: string, directory: string): Promise<void> {
  // On Windows they are scripts, which need a shell.
  const child = spawn(manager, ["install"], { cwd: directory, stdio: "inherit", shell: process.platform === "win32" });
  const code = await once(child, "exit").then(
    ([exitCode]) => exitCode as number | null,
    () => null,
  );
  if (code !== 0)
    throw new Failure(`The project was created, but "${manager} install" failed. Run it again in ${directory}`);
}
