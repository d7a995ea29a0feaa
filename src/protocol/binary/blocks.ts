import { cleanPatch } from "../clean-patch.ts";
import { written } from "./bytes.ts";
import type { ByteWriter } from "./bytes.ts";

/** What a patch consists of: the first byte of each of its blocks. */
export const BLOCK = { json: 0, rows: 1, removals: 2, table: 3, pieces: 4 } as const;

/** Writes a part of a patch as it is in JSON. */
export function writeJson(out: ByteWriter, patch: object): void {
  out.byte(BLOCK.json);
  out.text(cleanPatch(JSON.stringify(patch)));
}

/** A part of a patch as it is in JSON, as a block. */
export function jsonBlock(patch: object): Uint8Array<ArrayBuffer> {
  return written((out) => writeJson(out, patch));
}
