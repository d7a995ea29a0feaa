import { isPlain } from "../protocol/values.ts";

/** A value of metadata that can be compared. */
export type Scalar = string | number | boolean | null;

/** Conditions for a value. All that are given have to hold. */
export interface Comparison {
  readonly ne?: Scalar | undefined;
  readonly gt?: string | number | undefined;
  readonly gte?: string | number | undefined;
  readonly lt?: string | number | undefined;
  readonly lte?: string | number | undefined;
  readonly in?: readonly Scalar[] | undefined;
}

/** For each top-level key of the metadata: a value, or a comparison. */
export type Filter = Readonly<Record<string, Scalar | Comparison>>;

const MOST_CONDITIONS = 16;
const MOST_CHOICES = 32;
const LONGEST = 256;

/** The description of a filter, for error messages. */
export const FILTER_FORM =
  `A filter has ${MOST_CONDITIONS} conditions at most. Each is a text, a number, true, false or null, or an object of ` +
  "some of ne, gt, gte, lt, lte and in";

const isBound = (value: unknown): boolean => typeof value === "number" || isText(value);
/** What each comparison takes. */
const COMPARISONS: Readonly<Record<keyof Comparison, (value: unknown) => boolean>> = {
  ne: isScalar,
  gt: isBound,
  gte: isBound,
  lt: isBound,
  lte: isBound,
  in: (value) => Array.isArray(value) && isCount(value.length, MOST_CHOICES) && value.every(isScalar),
};

/**
 * Whether a JSON value is a filter. Unknown conditions are refused, since ignoring one would find wrong rooms. (It is
 * written by hand, since unions and records of zod add 1.5 KB to every Worker.)
 */
export function isFilter(value: unknown): value is Filter {
  if (!isPlain(value) || Object.keys(value).length > MOST_CONDITIONS) return false;
  return Object.entries(value).every(
    ([name, condition]) => isText(name) && (isScalar(condition) || isComparison(condition)),
  );
}

function isComparison(value: unknown): boolean {
  if (!isPlain(value)) return false;
  const entries = Object.entries(value);
  return (
    entries.length > 0 &&
    entries.every(([name, bound]) => Object.hasOwn(COMPARISONS, name) && COMPARISONS[name as keyof Comparison](bound))
  );
}

function isScalar(value: unknown): value is Scalar {
  return value === null || typeof value === "boolean" || typeof value === "number" || isText(value);
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value.length <= LONGEST;
}

function isCount(count: number, most: number): boolean {
  return count > 0 && count <= most;
}

/** Whether metadata fulfils all conditions. A missing value is only unequal to everything. */
export function fits(metadata: Readonly<Record<string, unknown>>, filter: Filter): boolean {
  return Object.entries(filter).every(([name, condition]) => {
    const value = Object.hasOwn(metadata, name) ? metadata[name] : undefined;
    return typeof condition === "object" && condition !== null ? compares(value, condition) : value === condition;
  });
}

function compares(value: unknown, { ne, gt, gte, lt, lte, in: choices }: Comparison): boolean {
  return (
    (ne === undefined || value !== ne) &&
    (choices === undefined || choices.includes(value as Scalar)) &&
    isOrdered(value, gt, (a, b) => a > b) &&
    isOrdered(value, gte, (a, b) => a >= b) &&
    isOrdered(value, lt, (a, b) => a < b) &&
    isOrdered(value, lte, (a, b) => a <= b)
  );
}

/** Only values of the same type have an order. */
function isOrdered<T extends string | number>(
  value: unknown,
  than: T | undefined,
  holds: (a: T, b: T) => boolean,
): boolean {
  return than === undefined || (typeof value === typeof than && holds(value as T, than));
}
