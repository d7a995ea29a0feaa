import { signal } from "@signe/reactive";
import fc from "fast-check";
import { sync } from "../../src/state/fields.ts";

class Vector {
  x = 1;
}

class Card {
  face = sync(signal("ace"));
  owner = sync(signal("ada"), { visibleTo: "owner" });
}

/** Values that JSON cannot represent. They would change on their way to a client, or during hibernation. */
export const ODD_VALUES: Readonly<Record<string, () => unknown>> = {
  "a Date": () => new Date(0),
  "an invalid Date": () => new Date(Number.NaN),
  "a Map": () => new Map([["a", 1]]),
  "a Set": () => new Set([1]),
  "a bigint": () => 1n,
  "a RegExp": () => /a/,
  "a typed array": () => new Uint8Array([1, 2]),
  "an ArrayBuffer": () => new ArrayBuffer(2),
  "an Error": () => new Error("a"),
  "a URL": () => new URL("http://a"),
  "a boxed number": () => Object(1) as object,
  "an instance of a class": () => new Vector(),
  "an instance of a class with fields": () => new Card(),
  "an object of fields": () => ({ hp: sync(signal(1)) }),
  "a signal": () => signal(1),
  "a function": () => () => 1,
  "a symbol": () => Symbol("a"),
  "a promise": () => Promise.resolve(1),
  // oxlint-disable-next-line unicorn/no-thenable -- the tests need a thenable
  "another thenable": () => ({ then: (done: (value: number) => void) => done(1) }),
  "an object with toJSON": () => ({ toJSON: () => "$delete" }),
};

const MARK = "odd: ";

/** A text that represents an odd value in data that is copied. */
export const oddMark = fc.constantFrom(...Object.keys(ODD_VALUES)).map((name) => MARK + name);

/** Replaces the texts for odd values in plain data by these values. */
export function withOddValues(value: unknown): unknown {
  if (typeof value === "string" && value.startsWith(MARK)) return ODD_VALUES[value.slice(MARK.length)]?.();
  if (Array.isArray(value)) return value.map(withOddValues);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withOddValues(inner)]));
}

/** The errors that refuse an odd value in a state. */
export const ODD_REFUSAL = /JSON has no form for|is lost when the room hibernates/;

/** Whether a value contains anything but plain data. */
export function isOdd(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return ["function", "bigint", "symbol"].includes(typeof value);
  const isPlain = Array.isArray(value) || [Object.prototype, null].includes(Object.getPrototypeOf(value) as never);
  return !isPlain || Object.values(value).some(isOdd);
}
