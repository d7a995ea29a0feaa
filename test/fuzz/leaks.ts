import { INSIDE } from "./target.ts";

/** Texts that no response may contain. */
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
 * Looks for internal information in what a client received.
 * @param secrets more texts that must not be there
 * @returns the text that was found with its surroundings, or undefined
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
