import { choosing, quantizing } from "../protocol/binary/codecs.ts";
import type { FieldCodec } from "./field.ts";

/** The values that a field holds, for the option `as` of {@link sync}. T: the type of the values. */
export interface Codec<T> extends FieldCodec {
  /** Only a type. @internal */
  readonly _value?: T;
}

const MAX_BITS = 32;

/**
 * A number from `min` to `max` in 2^bits steps, which takes fewer bytes than JSON. A value is rounded to the nearest
 * step when it is set, so the room, its storage and all clients have the same number. A number outside of the range
 * becomes `min` or `max`. A value that is not a finite number is refused with a `RoomError` `invalid_input`.
 *
 * Choose `bits` so that one step, (max − min) / (2^bits − 1), is smaller than a player can notice and smaller than the
 * smallest movement. With 16 bits, 1000 units have steps of 0.015. A value takes 1 byte with up to 8 bits, 2 bytes with
 * up to 16 and 4 bytes with more. A movement of up to 127 steps takes 1 byte.
 *
 * @param options `min` and `max`: finite numbers; `bits`: from 1 to 32
 * @throws RangeError if `min` is not below `max`, or a number is out of range
 * @example
 * import { quantized } from "durable-rooms";
 * class Player { x = sync(signal(0), { as: quantized({ min: 0, max: 1000, bits: 16 }) }) }
 */
export function quantized({ min, max, bits }: { min: number; max: number; bits: number }): Codec<number> {
  const step = (max - min) / (2 ** bits - 1);
  const isRange = [min, max, step].every(Number.isFinite) && step > 0;
  if (!isRange || !Number.isInteger(bits) || bits < 1 || bits > MAX_BITS)
    throw new RangeError(`quantized() takes finite numbers with min below max, and 1 to ${MAX_BITS} bits`);
  // JSON has no -0.
  const codec = quantizing(min + 0, max + 0, bits);
  return {
    wire: codec,
    takes: "a number",
    round: (value) => (isNumber(value) ? codec.round(value) : undefined),
  };
}

/**
 * A whole number. A value is rounded when it is set. A value that is not a finite number is refused with a `RoomError`
 * `invalid_input`.
 *
 * @example
 * import { integer } from "durable-rooms";
 * class Player { hp = sync(signal(100), { as: integer }) }
 */
export const integer: Codec<number> = {
  wire: undefined,
  takes: "a number",
  round: (value) => (isNumber(value) ? Math.round(value) + 0 : undefined),
};

/**
 * A floating-point number of 4 bytes, with about 7 digits. A value is rounded when it is set. A value that 4 bytes
 * cannot hold is refused with a `RoomError` `invalid_input`.
 *
 * @example
 * import { float32 } from "durable-rooms";
 * class Player { angle = sync(signal(0), { as: float32 }) }
 */
export const float32: Codec<number> = {
  wire: undefined,
  takes: "a number that 4 bytes can hold",
  round: (value) => (isNumber(value) && Number.isFinite(Math.fround(value)) ? Math.fround(value) + 0 : undefined),
};

/**
 * True or false. Any other value is refused with a `RoomError` `invalid_input`.
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
 * One of these texts, sent as its position in the list. Any other value is refused with a `RoomError` `invalid_input`.
 * Add new texts at the end.
 *
 * @throws RangeError if there is no text, or the same text twice
 * @example
 * import { oneOf } from "durable-rooms";
 * class Player { team = sync(signal<"red" | "blue">("red"), { as: oneOf("red", "blue") }) }
 */
export function oneOf<const V extends string>(...values: readonly V[]): Codec<V> {
  if (values.length === 0 || new Set(values).size < values.length)
    throw new RangeError("oneOf() takes one text or more, each of them once");
  return {
    wire: choosing(values),
    takes: `one of ${values.map((value) => JSON.stringify(value)).join(", ")}`,
    round: (value) => (values.includes(value as V) ? value : undefined),
  };
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
