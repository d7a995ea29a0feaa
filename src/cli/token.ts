import { InvalidArgumentError } from "./libraries.ts";
import type { Command } from "./libraries.ts";
import { SignJWT } from "jose";
import { OPERATOR_AUDIENCE } from "../protocol/operator.ts";
import { isRoomId } from "../protocol/urls.ts";
import { readSecret } from "./secret.ts";
import type { SecretSource } from "./secret.ts";
import { parseDuration, timeOption } from "./values.ts";

interface TokenOptions extends SecretSource {
  readonly operator?: boolean;
  readonly worlds?: readonly string[];
  readonly sub?: string;
  readonly claim?: Readonly<Record<string, unknown>>;
  /** In ms. */
  readonly expires: number;
}

/** Claims with their own options. */
const OWN_OPTIONS: Readonly<Record<string, string>> = { worlds: "--worlds", sub: "--sub", exp: "--expires" };
const EXAMPLES = `
The secret comes from the environment, from a file of lines NAME=value, or from standard input. It cannot be an
argument, because lists of processes show arguments to everyone on the machine. Only the token is printed.

Examples:
  $ durable-rooms token --worlds world-default
  $ durable-rooms token --operator --claim 'rooms=*'
  $ durable-rooms token --sub ada --claim role=admin --claim level=5 --expires 10m
  $ pass show my-game | durable-rooms token --worlds '*' --secret-stdin`;

export function addToken(program: Command): void {
  program
    .command("token")
    .summary("makes a token for a user or an operator")
    .description("makes a token for a user or an operator (a JWT, signed with HS256), and prints it")
    .option("--worlds <ids>", "for an operator's token: the ids of Worlds, separated by commas, or '*'", parseWorlds)
    .option("--operator", "makes an operator's token without --worlds, for the claims rooms, inspect and manage")
    .option("--sub <id>", "the id of the user")
    .option("--claim <name=value>", "a further claim, as JSON or text; may be repeated", addClaim)
    .addOption(
      timeOption("--expires <time>", "how long the token is valid, such as 30s, 10m, 1h or 7d", "1h", parseLifetime),
    )
    .option("--secret-env <name>", "the environment variable with the secret", "AUTH_JWT_SECRET")
    .option("--secrets-file <path>", "the file with the secret, if the environment does not have it", ".dev.vars")
    .option("--secret-stdin", "reads the secret from standard input")
    .addHelpText("after", EXAMPLES)
    .action(async (options: TokenOptions) => console.log(await makeToken(options)));
}

async function makeToken(options: TokenOptions): Promise<string> {
  const { worlds, operator = worlds !== undefined, sub, claim, expires } = options;
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    ...claim,
    ...(operator && { aud: OPERATOR_AUDIENCE }),
    ...(worlds && { worlds }),
    ...(sub !== undefined && { sub }),
  };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setIssuedAt(now)
    .setExpirationTime(now + Math.ceil(expires / 1000))
    .sign(await readSecret(options));
}

function parseWorlds(text: string): string[] {
  const worlds = text.split(",").map((world) => world.trim());
  if (worlds.every(isRoomId)) return worlds;
  throw new InvalidArgumentError("Give the ids of Worlds, separated by commas, or '*' for all Worlds.");
}

function parseLifetime(text: string): number {
  const ms = parseDuration(text);
  if (ms > 0) return ms;
  throw new InvalidArgumentError("Give a time longer than 0.");
}

function addClaim(text: string, claims: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const at = text.indexOf("=");
  const name = text.slice(0, at).trim();
  if (at < 0 || name === "") throw new InvalidArgumentError("Give a claim as name=value, such as role=admin.");
  const option = Object.hasOwn(OWN_OPTIONS, name) ? OWN_OPTIONS[name] : undefined;
  if (option) throw new InvalidArgumentError(`Use ${option} for this claim.`);
  return Object.fromEntries([...Object.entries(claims), [name, parseValue(text.slice(at + 1))]]);
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
