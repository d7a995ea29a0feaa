import { expect } from "./bytes.ts";

/** Encodes a value as a whole number from 0. A value without an exact number is sent without the codec. */
export interface Codec {
  readonly code: (value: unknown) => number | undefined;
  /** The largest number. */
  readonly last: number;
  /** The description that clients get. */
  readonly spec: CodecSpec;
  /** @returns undefined for a number without a value */
  readonly value: (code: number) => unknown;
}

/** The description of a codec for clients: the range and the bits of a number, or the list of values. */
export type CodecSpec =
  | { readonly quantized: readonly [number, number, number] }
  | { readonly oneOf: readonly string[] };

/** @throws Error for an unknown codec */
export function codecOf(spec: unknown): Codec | undefined {
  if (spec === undefined) return undefined;
  const { quantized, oneOf } = spec as Partial<Record<"quantized" | "oneOf", readonly unknown[]>>;
  if (quantized) return quantizing(...(quantized as [number, number, number]));
  expect(oneOf, "unknown codec");
  return choosing(oneOf);
}

/** A number from min to max in 2^bits steps. */
export function quantizing(min: number, max: number, bits: number): Codec & { round(value: number): number } {
  const last = 2 ** bits - 1;
  const step = (max - min) / last;
  const valueOf = (code: number) => (code === last ? max : min + code * step);
  const nearest = (value: number) => Math.min(Math.max(Math.round((value - min) / step), 0), last);
  return {
    spec: { quantized: [min, max, bits] },
    last,
    value: (code) => (Number.isInteger(code) && code >= 0 && code <= last ? valueOf(code) : undefined),
    round: (value) => valueOf(nearest(value)),
    code: (value) => {
      if (typeof value !== "number") return undefined;
      const code = nearest(value);
      return valueOf(code) === value ? code : undefined;
    },
  };
}

export function choosing(values: readonly unknown[]): Codec {
  const codes = new Map<unknown, number>(values.map((value, code) => [value, code]));
  return {
    spec: { oneOf: values as string[] },
    last: values.length - 1,
    code: (value) => codes.get(value),
    value: (code) => values[code],
  };
}
