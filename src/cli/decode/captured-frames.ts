import { existsSync, readFileSync, statSync } from "node:fs";
import { UsageError } from "../failure.ts";

const HEX = /^(?:[\da-f]{2})+$/i;
const BASE64 = /^[\w+/-]+={0,2}$/;
/** The first byte of a binary frame, which is its kind: 1 or 2. */
const FIRST_BYTES = new Set([1, 2]);

/**
 * Reads frames as somebody captured them.
 * @param text hex, base64, or the path of a file with one frame as it is, or with one in each line
 * @throws UsageError if it is none of these
 */
export function captured(text: string): Uint8Array[] {
  if (existsSync(text) && statSync(text).isFile()) return inFile(readFileSync(text));
  const frame = asText(text);
  if (frame) return [frame];
  throw new UsageError(`${JSON.stringify(text.slice(0, 40))} is neither a file nor a frame in hex or base64`);
}

function inFile(bytes: Uint8Array): Uint8Array[] {
  if (FIRST_BYTES.has(bytes[0] ?? 0)) return [bytes];
  const lines = new TextDecoder().decode(bytes).split("\n");
  return lines.flatMap((line, index) => {
    if (line.trim() === "") return [];
    const frame = asText(line);
    if (!frame) throw new UsageError(`Line ${index + 1} of the file is not a frame in hex or base64`);
    return [frame];
  });
}

/** Hex begins with 01 or 02, and base64 with A: only one of them can be meant. */
function asText(text: string): Uint8Array | undefined {
  const compact = text.replaceAll(/\s/g, "").replace(/^0x/, "");
  if (HEX.test(compact) && FIRST_BYTES.has(Number.parseInt(compact.slice(0, 2), 16)))
    return Buffer.from(compact, "hex");
  return BASE64.test(compact) ? Buffer.from(compact, "base64") : undefined;
}
