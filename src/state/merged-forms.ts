import { writeJson } from "../protocol/binary/blocks.ts";
import { sharedForms } from "../protocol/encoded-patch.ts";
import type { SharedForms } from "../protocol/encoded-patch.ts";
import type { Plain } from "../protocol/values.ts";
import { addition, merge } from "./merge.ts";
import type { Placed } from "./merge.ts";

/** The forms of a patch for several clients with the same private changes. @param shared the patch for everyone */
export function mergedForms(shared: Readonly<Plain> | undefined, changes: readonly Placed[]): SharedForms {
  return sharedForms(
    () => JSON.stringify(merge(shared, changes)),
    (out) => writeJson(out, addition(shared, changes)),
  );
}
