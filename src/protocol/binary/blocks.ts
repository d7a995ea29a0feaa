import { cleanPatch, inSteps } from "../clean-patch.ts";
import type { Steps } from "../clean-patch.ts";
import type { Plain } from "../values.ts";
import { written } from "./bytes.ts";
import type { ByteWriter } from "./bytes.ts";

/** The kinds of blocks in a patch: the first byte of each block. */
export const BLOCK = { json: 0, rows: 1, removals: 2, table: 3, pieces: 4, clear: 5 } as const;

/** Writes a part of a patch as JSON. */
export function writeJson(out: ByteWriter, patch: object): void {
  out.byte(BLOCK.json);
  out.text(cleanPatch(JSON.stringify(patch)));
}

/** Writes the paths that are deleted before the patch is applied. */
export function writeClear(out: ByteWriter, clear: object): void {
  out.byte(BLOCK.clear);
  out.text(JSON.stringify(clear));
}

/** Makes blocks of a part of a patch as JSON. @param clears whether the client applies patches in two steps */
export function jsonBlocks(patch: Readonly<Plain>, clears: boolean): Uint8Array<ArrayBuffer> {
  return written((out) => {
    const { clear, value }: Steps = clears ? inSteps(patch) : { value: patch };
    if (clear) writeClear(out, clear);
    writeJson(out, value);
  });
}
