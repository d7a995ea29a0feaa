import { INSIDE } from "./target.ts";

/** What no answer may hold, whatever was asked. */
const INTERNAL: readonly RegExp[] = [
  /\bat [\w.#<> [\]]+ ?\(.*:\d+:\d+\)/,
  /\bat (?:async )?(?:file:|\/|worker)[^\s]*:\d+:\d+/,
  /\b[\w-]+\.(?:ts|js|mjs|c\+\+|h):\d+/,
  /node_modules/,
  /\b(?:Type|Reference|Range|Syntax|URI|DataClone)Error\b/,
  /Cannot (?:read|set) propert/,
  /x-durable-rooms-/i,
  /rooms\.internal/,
  /sqlite|SQLITE/,
  new RegExp(INSIDE),
];

/**
 * Looks for something of the inside in what a client got.
 * @param secrets texts that must not be there either
 * @returns what was found, with what is around it
 */
export function leakIn(text: string, secrets: readonly string[]): string | undefined {
  const secret = secrets.find((hidden) => text.includes(hidden));
  if (secret !== undefined) return `the secret ${secret} in ${text.slice(0, 200)}`;
  for (const form of INTERNAL) {
    const found = form.exec(text);
    if (found) return text.slice(Math.max(0, found.index - 80), found.index + 120);
  }
  return undefined;
}
