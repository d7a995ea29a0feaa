import { InvalidArgumentError, Option } from "./libraries.ts";

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads `10s`, `1.5h` or `200ms`. @returns ms @throws InvalidArgumentError, with what would be right */
export function parseDuration(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const ms = Math.round(Number(amount) * UNITS[unit as keyof typeof UNITS]);
  if (Number.isSafeInteger(ms)) return ms;
  throw new InvalidArgumentError("Give a time as a number with ms, s, m, h or d, such as 10s.");
}

/** Makes the reader of a time of at most so many ms. */
export function durationUpTo(most: number, words: string): (text: string) => number {
  return (text) => {
    const ms = parseDuration(text);
    if (ms <= most) return ms;
    throw new InvalidArgumentError(`Give ${words} at most.`);
  };
}

/** An option that is a time; help shows its default as it would be typed. */
export function timeOption(flags: string, description: string, usual: string, parse = parseDuration): Option {
  return new Option(flags, description).argParser(parse).default(parse(usual), usual);
}

/** Makes the reader of a number in a range. */
export function numberBetween(least: number, most: number, kind: "whole" | "any" = "any"): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most && (kind === "any" || Number.isInteger(value))) return value;
    throw new InvalidArgumentError(`Give a ${kind === "whole" ? "whole " : ""}number from ${least} to ${most}.`);
  };
}
