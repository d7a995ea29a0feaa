import { UsageError } from "../failure.ts";

/** The client that sends a value, and how many it has sent before. */
export interface Sender {
  readonly client: number;
  readonly count: number;
}

const PLACEHOLDER = /\{(?:(client|count)|random:(-?\d+)-(-?\d+))\}/g;

/**
 * Makes the values of actions from JSON with placeholders: `{random:0-1000}` is a whole number in the range, `{client}`
 * is the client's number, and `{count}` how many values it has sent before.
 * @throws UsageError if the result is not JSON
 */
export function createValueMaker(template: string | undefined): (sender: Sender) => unknown {
  if (template === undefined) return () => undefined;
  const make = (sender: Sender): unknown => JSON.parse(fill(template, sender));
  try {
    make({ client: 0, count: 0 });
  } catch (thrown) {
    throw new UsageError(`The value is not JSON: ${(thrown as Error).message}`);
  }
  return make;
}

function fill(template: string, sender: Sender): string {
  return template.replaceAll(PLACEHOLDER, (_, name: keyof Sender | undefined, least: string, most: string) =>
    String(name ? sender[name] : randomBetween(Number(least), Number(most))),
  );
}

function randomBetween(one: number, other: number): number {
  const least = Math.min(one, other);
  return least + Math.floor(Math.random() * (Math.abs(other - one) + 1));
}
