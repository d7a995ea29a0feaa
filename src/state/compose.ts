import { applyPatch } from "../protocol/apply-patch.ts";
import { inSteps } from "../protocol/clean-patch.ts";
import type { Steps } from "../protocol/clean-patch.ts";
import { DELETE, isPlain } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";
import { put, Replacement } from "./diff.ts";

/** Two patches of an object as one. Neither is changed. @param before undefined if there is only the other one */
export function composed(before: unknown, next: unknown): unknown {
  if (!isPlain(before) || !isPlain(next)) return next;
  // Most changes are of that kind, and many come together.
  return composeSimple(before, next) ?? inOne(compose(inSteps(before), inSteps(next)));
}

/** @returns undefined if one of the patches replaces an object, or the effect depends on what is there */
function composeSimple(before: Plain, next: Plain): Plain | undefined {
  const both = { ...before };
  for (const [key, value] of Object.entries(next)) {
    const prior = both[key];
    if (hasPath(key)) return undefined;
    if (!isPlain(value) || prior === undefined) both[key] = value;
    else {
      const inner = isPlain(prior) ? composeSimple(prior, value) : undefined;
      if (!inner) return undefined;
      both[key] = inner;
    }
  }
  return Object.keys(before).some(hasPath) ? undefined : both;
}

/** A name with dots belongs to the removal before it. */
function hasPath(key: string): boolean {
  return key.includes(".");
}

function compose(before: Steps, next: Steps): Steps {
  const value = { ...before.value };
  const clear: Plain = { ...before.clear };
  for (const [name, change] of Object.entries(next.value)) {
    const prior = Object.hasOwn(value, name) ? value[name] : undefined;
    const cleared = next.clear?.[name];
    if (prior === undefined) {
      value[name] = change;
      if (cleared !== undefined) clear[name] = cleared;
    } else if (!isPlain(change)) {
      value[name] = change;
      delete clear[name];
    } else if (Array.isArray(prior) && cleared === undefined) {
      // The change is of some of its items.
      value[name] = applyPatch({ prior }, { prior: change })["prior"];
    } else if (isPlain(prior) && cleared !== DELETE) {
      const inner = compose(
        { value: prior, clear: isPlain(clear[name]) ? clear[name] : undefined },
        { value: change, clear: cleared as Plain | undefined },
      );
      value[name] = inner.value;
      if (clear[name] !== DELETE) clear[name] = inner.clear;
    } else {
      value[name] = change;
      clear[name] = DELETE;
    }
  }
  return { value, clear };
}

/** As a patch in one step: what is deleted, and then its parts. */
function inOne({ value, clear = {} }: Steps): Plain {
  const patch: Plain = {};
  for (const [name, change] of Object.entries(value)) {
    const cleared = clear[name];
    if (!isPlain(change) || cleared === undefined) patch[name] = change;
    else if (cleared === DELETE) put(patch, name, new Replacement(change));
    else patch[name] = inOne({ value: change, clear: cleared as Plain });
  }
  return patch;
}
