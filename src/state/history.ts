import type { Plain } from "../protocol/values.ts";
import type { Entries } from "./entries.ts";
import type { RememberedFields } from "./field.ts";

/**
 * The past values of entries: by the name of their collection, by key, and by field. Only collections with a `history`
 * are there, with the fields that it names.
 */
export type Past = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;

type Values = ReadonlyMap<string, readonly unknown[]>;

/** The values of a collection after a tick. */
interface Moment {
  readonly tick: number;
  readonly values: Values;
}

/** A collection with a history. */
interface Remembered {
  readonly entries: Entries;
  readonly fields: readonly string[];
  /** How many moments are kept: those of its time, and one before. */
  readonly size: number;
  readonly moments: Moment[];
}

/**
 * The values of entries after the last ticks, in memory, to judge hits by what the shooter saw. This is called lag
 * compensation: https://developer.valvesoftware.com/wiki/Lag_Compensation,
 * https://www.gabrielgambetta.com/lag-compensation.html.
 */
export class History {
  readonly #collections = new Map<string, Remembered>();

  remember(name: string, entries: Entries, { fields, ms }: RememberedFields, hz: number): void {
    this.#collections.set(name, { entries, fields, size: Math.ceil((ms * hz) / 1000) + 1, moments: [] });
  }

  /** Records the values after a tick. */
  record(tick: number): void {
    for (const { entries, fields, size, moments } of this.#collections.values()) {
      const values = new Map<string, readonly unknown[]>();
      for (const [key, entry] of Object.entries(entries.signal() as Record<string, Plain>))
        values.set(
          key,
          fields.map((field) => (entry[field] as () => unknown)()),
        );
      moments.push({ tick, values });
      if (moments.length > size) moments.shift();
    }
  }

  /** The values at a tick with a fraction. Before the history these are the oldest values, after it the newest. */
  at(tick: number): Past {
    const past: Record<string, Past[string]> = {};
    for (const [name, remembered] of this.#collections)
      Object.defineProperty(past, name, { get: () => entriesAt(remembered, tick), enumerable: true });
    return past;
  }
}

function entriesAt({ moments, fields }: Remembered, tick: number): Past[string] {
  const next = moments.findIndex((moment) => moment.tick > tick);
  const from = moments.at(next < 0 ? -1 : Math.max(next - 1, 0));
  const to = next < 0 ? undefined : moments[next];
  const part = from && to && to !== from ? (tick - from.tick) / (to.tick - from.tick) : 0;
  const entries: Record<string, Past[string][string]> = {};
  for (const [key, values] of from?.values ?? []) {
    const later = to?.values.get(key) ?? values;
    const between = (value: unknown, index: number) => blend(value, later[index], part);
    entries[key] = Object.fromEntries(fields.map((field, index) => [field, between(values[index], index)]));
  }
  return entries;
}

/** Interpolates numbers between two ticks, as clients do. Other values are those of the first tick. */
function blend(from: unknown, to: unknown, part: number): unknown {
  return typeof from === "number" && typeof to === "number" ? from + (to - from) * part : from;
}
