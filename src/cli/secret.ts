import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { parseEnv } from "node:util";
import { Failure } from "./failure.ts";

/** The minimum of the service: RFC 7518, section 3.2. */
const MIN_SECRET_BYTES = 32;

/**
 * Where to look for a secret. It is never an argument, since process lists show arguments to everyone on the machine.
 */
export interface SecretSource {
  /** The name of the environment variable. */
  readonly secretEnv: string;
  /** Not named `--env-file`, since Node takes that option for itself wherever it is. */
  readonly secretsFile: string;
  readonly secretStdin?: boolean;
}

/**
 * Reads the secret from standard input on request, or from the environment, or from the file.
 * @throws Failure if it is not found, or too short for HS256
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
