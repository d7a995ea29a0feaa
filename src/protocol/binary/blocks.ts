import { cleanPatch, inSteps } from "../clean-patch.ts";
import type { Plain } from "../values.ts";
import { written } from "./bytes.ts";
import type { ByteWriter } from "./bytes.ts";

/** What a patch consists of: the first byte of each of its blocks. */
export const BLOCK = { json: 0, rows: 1, removals: 2, table: 3, pieces: 4, clear: 5 } as const;

/** Writes a part of a patch as it is in JSON. */
export function writeJson(out: ByteWriter, patch: object): void {
  out.byte(BLOCK.json);
  out.text(cleanPatch(JSON.stringify(patch)));
}

/** Writes what is to be deleted before the patch is applied. */
export function writeClear(out: ByteWriter, clear: object): void {
  out.byte(BLOCK.clear);
  out.text(JSON.stringify(clear));
}

/** A part of a patch as it is in JSON, as blocks. @param clears whether its client takes it in two steps */
export function jsonBlocks(patch: Readonly<Plain>, clears: boolean): Uint8Array<ArrayBuffer> {
  return written((out) => {
    const { clear, value } = clears ? inSteps(patch) : { clear: undefined, value: patch };
    if (clear) writeClear(out, clear);
    writeJson(out, value);
  });
}
