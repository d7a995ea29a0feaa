import { isSignal } from "@signe/reactive";
import { promiseOf } from "../protocol/values.ts";

/** The replacements for values that JSON cannot represent, by their types in JavaScript. */
const INSTEAD: Readonly<Record<string, string>> = {
  BigInt: "a number or a string",
  Date: "a number, or the text of toISOString()",
  Map: "an object",
  Promise: "what it resolves to",
  RegExp: "its source",
  Set: "an array",
};

/**
 * Why JSON cannot represent a value: it would become an empty object, something else, or nothing. All of state,
 * answers, packets and responses follow this rule.
 *
 * @returns undefined for arrays, and for objects that may only be instances of a class
 */
export function notJson(value: unknown): string | undefined {
  const kind = promiseOf(value) ? "Promise" : Object.prototype.toString.call(value).slice("[object ".length, -1);
  if (kind === "Object" || kind === "Array") return undefined;
  if (isSignal(value)) return "a signal inside of a value is lost when the room hibernates; use a collection";
  return `JSON has no form for a ${kind}; use ${INSTEAD[kind] ?? "plain data"}`;
}

/** Why a state cannot contain an instance of a class. */
export const NO_INSTANCE =
  "an instance of a class is lost when the room hibernates; use a plain object, or a collection";
