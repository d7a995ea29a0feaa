import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "./libraries.ts";
import { addCreate } from "./create/command.ts";
import { addDecode } from "./decode/command.ts";
import { addDoctor } from "./doctor/command.ts";
import { Failure, UsageError } from "./failure.ts";
import { addLoad } from "./load/command.ts";
import { addToken } from "./token.ts";

/**
 * Runs `durable-rooms` with these arguments. It writes to the standard output and the standard error.
 *
 * @example
 * import { run } from "durable-rooms/cli";
 * process.exitCode = await run(["create", "my-app"]);
 * @returns the exit code: 0, or 1 if it failed, or 2 if the arguments make no sense
 */
export async function run(args: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(args, { from: "user" });
    return 0;
  } catch (thrown) {
    // Commander has said what is wrong already, or has shown the help that was asked for.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
    console.error(`error: ${thrown instanceof Failure ? thrown.message : String(thrown)}`);
    return thrown instanceof UsageError ? 2 : 1;
  }
}

function createProgram(): Command {
  const program = new Command("durable-rooms")
    .description("Commands for services of durable-rooms")
    .version(readVersion())
    .exitOverride();
  addCreate(program);
  addToken(program);
  addLoad(program);
  addDoctor(program);
  addDecode(program);
  return program;
}

function readVersion(): string {
  const text = readFileSync(join(import.meta.dirname, "../../package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
