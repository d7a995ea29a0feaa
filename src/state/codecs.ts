import { choosing, quantizing } from "../protocol/binary/codecs.ts";
import type { FieldCodec } from "./field.ts";

/** What `sync` takes as `as`. T: the values of the field. */
export interface Codec<T> extends FieldCodec {
  /** Only a type. @internal */
  readonly _value?: T;
}

/** The most bits of a number. */
const MAX_BITS = 32;

/**
 * A number from `min` to `max`, in 2^bits steps. A value is rounded to the nearest step when it is set, so that the room,
 * its storage and all clients have the same number; one beyond the range becomes `min` or `max`. What is no finite number is
 * refused with a `RoomError` `invalid_input`.
 *
 * Choose the bits so that a step, (max − min) / (2^bits − 1), is smaller than what a player notices, and smaller than the
 * smallest movement: 16 bits for 1000 units are steps of 0.015. With 8 bits a value takes one byte, with up to 16 two, and with
 * more four; a movement of up to 127 steps takes one.
 *
 * @param options `min` and `max`, both finite; `bits` from 1 to 32
 * @throws RangeError if these are no such numbers
 * @example
 * import { quantized } from "durable-rooms";
 * class Player { x = sync(signal(0), { as: quantized({ min: 0, max: 1000, bits: 16 }) }) }
 */
export function quantized({ min, max, bits }: { min: number; max: number; bits: number }): Codec<number> {
  const isRange = Number.isFinite(min) && Number.isFinite(max) && min < max && Number.isFinite(max - min);
  if (!isRange || !Number.isInteger(bits) || bits < 1 || bits > MAX_BITS)
    throw new RangeError(`quantized() takes a min below a max, and 1 to ${MAX_BITS} bits`);
  const codec = quantizing(min, max, bits);
  return {
    wire: codec,
    takes: "a number",
    round: (value) => (isNumber(value) ? codec.round(value) : undefined),
  };
}

/**
 * A whole number: a value is rounded when it is set.
 *
 * @example
 * import { integer } from "durable-rooms";
 * class Player { hp = sync(signal(100), { as: integer }) }
 */
export const integer: Codec<number> = {
  wire: undefined,
  takes: "a number",
  // JSON has no -0.
  round: (value) => (isNumber(value) ? Math.round(value) + 0 : undefined),
};

/**
 * A floating-point number of 4 bytes, with about 7 digits: a value is rounded when it is set.
 *
 * @example
 * import { float32 } from "durable-rooms";
 * class Player { angle = sync(signal(0), { as: float32 }) }
 */
export const float32: Codec<number> = {
  wire: undefined,
  takes: "a number that 4 bytes can hold",
  round: (value) => (isNumber(value) && Number.isFinite(Math.fround(value)) ? Math.fround(value) : undefined),
};

/**
 * True or false, and nothing else.
 *
 * @example
 * import { boolean } from "durable-rooms";
 * class Player { isReady = sync(signal<boolean>(false), { as: boolean }) }
 */
export const boolean: Codec<boolean> = {
  wire: undefined,
  takes: "true or false",
  round: (value) => (typeof value === "boolean" ? value : undefined),
};

/**
 * One of these texts, and nothing else. It is sent as its place in the list.
 *
 * @throws RangeError without a value, or with one twice
 * @example
 * import { oneOf } from "durable-rooms";
 * class Player { team = sync(signal<"red" | "blue">("red"), { as: oneOf("red", "blue") }) }
 */
export function oneOf<const V extends string>(...values: readonly V[]): Codec<V> {
  if (values.length === 0 || new Set(values).size < values.length)
    throw new RangeError("oneOf() takes one text or more, each once");
  return {
    wire: choosing(values),
    takes: `one of ${values.map((value) => JSON.stringify(value)).join(", ")}`,
    round: (value) => (values.includes(value as V) ? value : undefined),
  };
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
