import type { Command } from "../libraries.ts";
import { isRoomId } from "../../protocol/urls.ts";
import { Failure, UsageError } from "../failure.ts";
import { serviceUrl } from "../service-url.ts";
import { examine } from "./checks.ts";
import type { Finding } from "./checks.ts";
import { Service } from "./service.ts";

interface DoctorOptions {
  readonly room: string;
  readonly party: string;
  readonly tokenEnv: string;
  readonly userTokenEnv?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Runs ten checks in about half a minute. It joins the room as a separate user, sends nothing, and leaves: use a room that
nobody else is in. Two of the results are for you to judge.

Examples:
  $ export OPERATOR_TOKEN=$(durable-rooms token --operator --claim 'rooms=*' --secrets-file .secrets)
  $ durable-rooms doctor https://my-game.example.workers.dev --room game-doctor`;
const MARKS: Readonly<Record<Finding["verdict"], string>> = { ok: "ok    ", failed: "FAILED", look: "look  " };

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .summary("checks a deployed service")
    .description(
      "checks that a deployed service works on its platform as rooms need, and prints what it expected and what it saw",
    )
    .argument("<url>", "the URL of the service, such as https://my-game.example.com")
    .requiredOption("--room <id>", "a room to connect to that nobody else uses")
    .option("--party <name>", "the party of the room", "main")
    .option("--token-env <name>", "the environment variable with an operator's token", "OPERATOR_TOKEN")
    .option("--user-token-env <name>", "the environment variable with a user's token, if the room needs one")
    .option("--json", "prints the findings as JSON")
    .addHelpText("after", EXAMPLES)
    .action(doctor);
}

async function doctor(url: string, { room, party, tokenEnv, userTokenEnv, json }: DoctorOptions): Promise<void> {
  if (!isRoomId(room)) throw new UsageError("--room has to be the id of a room");
  const token = readVariable(tokenEnv);
  const userToken = userTokenEnv === undefined ? undefined : readVariable(userTokenEnv);
  const service = new Service({ origin: parseUrl(url), party, room, token, userToken });
  const findings: Finding[] = [];
  for await (const finding of examine(service)) {
    findings.push(finding);
    if (!json) console.log(describe(finding));
  }
  if (json) console.log(JSON.stringify(findings));
  const failed = findings.filter(({ verdict }) => verdict === "failed").length;
  if (failed > 0) throw new Failure(`${failed} of ${findings.length} checks failed`);
}

function describe({ verdict, name, expected, saw }: Finding): string {
  return `${MARKS[verdict]}  ${name}\n        expected  ${expected}\n        saw       ${saw}`;
}

function parseUrl(text: string): string {
  const url = serviceUrl(text);
  if (url) return url.origin;
  throw new UsageError(`"${text}" is not the URL of a service, such as https://my-game.example.com`);
}

function readVariable(name: string): string {
  const value = process.env[name];
  if (!value) throw new UsageError(`The environment variable ${name} is not set`);
  return value;
}
