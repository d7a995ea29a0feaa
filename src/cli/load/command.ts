import { readFileSync } from "node:fs";
import type { Command } from "../libraries.ts";
import { isRoomId } from "../../protocol/urls.ts";
import { Failure, UsageError } from "../failure.ts";
import { durationUpTo, numberBetween, timeOption } from "../values.ts";
import { showProgress } from "./progress.ts";
import { runLoad } from "./run-load.ts";
import type { LoadSettings } from "./settings.ts";
import { describeSummary, summarize } from "./summary.ts";
import type { Summary } from "./summary.ts";
import { Tally } from "./tally.ts";
import { checkIsThere, parseTarget } from "./target.ts";
import { createValueMaker } from "./value.ts";

interface LoadOptions extends Pick<
  LoadSettings,
  "room" | "party" | "action" | "clients" | "rate" | "duration" | "ramp" | "timeout"
> {
  readonly host: string;
  readonly world?: string | true;
  readonly value?: string;
  readonly valueFile?: string;
  readonly tokenEnv?: string;
  readonly compress?: boolean;
  readonly json?: boolean;
  readonly yesRemote?: boolean;
}

/** The limits of a load test. */
const MOST_CLIENTS = 5000;
const MOST_RATE = 1000;
const upToTenMinutes = durationUpTo(600_000, "10 minutes");
const upToAMinute = durationUpTo(60_000, "a minute");

const EXAMPLES = `
Each client is a separate user, and connects like durable-rooms/client. The latency is the time from an action to its
acknowledgement. Ctrl-C ends the command, and prints the summary up to then.

The value is JSON. In it {random:0-1000} becomes a whole number, {client} the number of the client, and {count} the
number of actions that it sent before.

Examples:
  $ durable-rooms load --room game-1 --action move --value '{"x":{random:0-1000},"y":{random:0-1000}}'
  $ durable-rooms load --clients 200 --rate 5 --duration 1m --room game-1 --action move --value-file move.json
  $ durable-rooms load --room game-1 --action hit --world --token-env TOKEN --json`;

export function addLoad(program: Command): void {
  program
    .command("load")
    .summary("load-tests a running service")
    .description("load-tests a running service, and measures how long its answers take")
    .requiredOption("--room <id>", "the room")
    .requiredOption("--action <name>", "the action that each client sends")
    .option("--value <json>", "the value of the action")
    .option("--value-file <path>", "a file with the value")
    .option("--clients <count>", "the number of clients", numberBetween(1, MOST_CLIENTS, "whole"), 10)
    .option("--rate <count>", "actions per client and second", numberBetween(0.01, MOST_RATE), 1)
    .addOption(timeOption("--duration <time>", "how long clients send actions, up to 10m", "10s", upToTenMinutes))
    .addOption(timeOption("--ramp <time>", "how long it takes until all clients are connected", "1s", upToTenMinutes))
    .addOption(
      timeOption("--timeout <time>", "how long a client waits to connect, and for an answer", "10s", upToAMinute),
    )
    .option("--host <host>", "the host of the service", "localhost:8787")
    .option("--party <name>", "the party of the room", "main")
    .option("--world [id]", "connects through this World (default: world-default)")
    .option("--token-env <name>", "the environment variable with the token of all clients")
    .option("--compress", "offers compression, as browsers do")
    .option("--json", "prints the summary as JSON")
    .option("--yes-remote", "allows another machine: use it only for your own service")
    .addHelpText("after", EXAMPLES)
    .action(load);
}

async function load(options: LoadOptions): Promise<void> {
  const settings = toSettings(options);
  await checkIsThere(settings.origin);
  const summary = await measure(settings);
  console.log(options.json ? JSON.stringify(summary) : describeSummary(summary));
  if (summary.clients.connected === 0) throw new Failure("No client could connect");
  const { sent, answered, refused } = summary.actions;
  if (sent === 0 || answered > 0) return;
  throw new Failure(refused > 0 ? "The room refused all actions" : "No action was answered");
}

async function measure(settings: LoadSettings): Promise<Summary> {
  const tally = new Tally();
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  // Once, so that a second interrupt ends the process at once.
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  const endProgress = showProgress(process.stderr, settings, tally);
  const before = { at: performance.now(), cpu: process.cpuUsage() };
  try {
    await runLoad(settings, tally, interruption.signal);
  } finally {
    endProgress();
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
  const { user, system } = process.cpuUsage(before.cpu);
  return summarize(settings, tally, (user + system) / 1000 / (performance.now() - before.at));
}

function toSettings({
  host,
  yesRemote,
  world,
  value,
  valueFile,
  tokenEnv,
  compress = false,
  ...options
}: LoadOptions): LoadSettings {
  if (!isRoomId(options.room)) throw new UsageError("--room has to be the id of a room");
  if (value !== undefined && valueFile !== undefined) throw new UsageError("Use --value or --value-file, not both");
  return {
    ...options,
    compress,
    origin: parseTarget(host, yesRemote === true),
    world: world === true ? "world-default" : world,
    makeValue: createValueMaker(valueFile === undefined ? value : readValue(valueFile)),
    token: tokenEnv === undefined ? undefined : readToken(tokenEnv),
  };
}

function readValue(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    throw new UsageError(`${path} cannot be read: ${(thrown as Error).message}`);
  }
}

function readToken(name: string): string {
  const token = process.env[name];
  if (!token) throw new UsageError(`The environment variable ${name} is not set`);
  return token;
}
