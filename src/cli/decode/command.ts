import { existsSync, readFileSync } from "node:fs";
import { readTables } from "../../protocol/binary/tables.ts";
import { Failure, UsageError } from "../failure.ts";
import type { Command } from "../libraries.ts";
import { captured } from "./captured-frames.ts";
import { CapturedConnection } from "./captured-connection.ts";
import { count } from "./describe-blocks.ts";

interface DecodeOptions {
  readonly tables?: string;
}

const EXAMPLES = `
A frame is hex, base64, or a file with one binary frame or with one frame in each line. Pass all frames of a connection,
from the first one on and in order, because later frames depend on earlier ones.

Examples:
  $ durable-rooms decode captured.txt
  $ durable-rooms decode AQEABABwYWdl...
  $ durable-rooms decode --tables tables.json 01ad0200010001000105034c02ff`;

export function addDecode(program: Command): void {
  program
    .command("decode")
    .summary("prints the content of captured binary frames")
    .description("prints the content of captured binary frames of protocol 3: heads, blocks, and packets as JSON")
    .argument("<frames...>", "hex, base64 or files")
    .option("--tables <json>", "the tables as JSON or a file with it, if no frame has them")
    .addHelpText("after", EXAMPLES)
    .action((frames: readonly string[], options: DecodeOptions) => decode(frames, options));
}

function decode(texts: readonly string[], { tables }: DecodeOptions): void {
  const connection = new CapturedConnection(tables === undefined ? undefined : jsonOf(tables));
  for (const [index, frame] of texts.flatMap(captured).entries()) {
    console.log(`frame ${index + 1}: ${count(frame.length, "byte")}`);
    try {
      for (const line of connection.describe(frame)) console.log(`  ${line}`);
    } catch (thrown) {
      const hint = index === 0 ? ". A frame depends on earlier ones: give all frames of the connection" : "";
      throw new Failure(`frame ${index + 1}: ${(thrown as Error).message}${hint}`);
    }
  }
}

/** The tables as text: the option itself, or the content of the file. */
function jsonOf(given: string): string {
  const text = existsSync(given) ? readFileSync(given, "utf8") : given;
  try {
    readTables(JSON.parse(text));
    return text;
  } catch {
    throw new UsageError("--tables takes the tables of section 9 of a frame, as JSON or a file with it");
  }
}
