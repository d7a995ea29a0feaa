import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { parseEnv } from "node:util";
import { Failure } from "./failure.ts";

/** As the service wants it: RFC 7518, section 3.2. */
const MIN_SECRET_BYTES = 32;

/** Where a secret may be. It is never an argument: lists of processes show those to everyone on the machine. */
export interface SecretSource {
  /** The name of the variable. */
  readonly secretEnv: string;
  /** Not `--env-file`: Node takes that for itself, wherever it stands. */
  readonly secretsFile: string;
  readonly secretStdin?: boolean;
}

/**
 * Reads the secret from the standard input, if that is asked for; or else from the environment, or from the file.
 * @throws Failure if it is nowhere, or too short for HS256
 */
export async function readSecret(source: SecretSource): Promise<Uint8Array> {
  const found = source.secretStdin ? await readInput() : fromEnvironment(source);
  if (!found) throw new Failure(missing(source));
  const secret = new TextEncoder().encode(found);
  if (secret.length >= MIN_SECRET_BYTES) return secret;
  throw new Failure(`The secret has ${secret.length} bytes, but HS256 needs at least ${MIN_SECRET_BYTES}`);
}

async function readInput(): Promise<string> {
  if (process.stdin.isTTY) console.error("Type the secret, then Enter and Ctrl-D:");
  return (await text(process.stdin)).replace(/\r?\n$/, "");
}

function fromEnvironment({ secretEnv, secretsFile }: SecretSource): string | undefined {
  return process.env[secretEnv] || parseEnv(readFileIfThere(secretsFile))[secretEnv];
}

function readFileIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw new Failure(`${path} cannot be read: ${(thrown as Error).message}`);
  }
}

function missing({ secretEnv, secretsFile, secretStdin }: SecretSource): string {
  if (secretStdin) return "There was no secret on standard input";
  return `No secret found: ${secretEnv} is neither in the environment nor in ${secretsFile}. --secret-stdin reads it from standard input`;
}
