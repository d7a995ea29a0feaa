import { isId } from "./fields.ts";

/** Remembers which property holds the key, for an entry that comes back under another one. */
const ID_NAME = Symbol("id");

/** Fills a property with the entry's key, if it is the one that `id()` marked. @returns whether it is */
export function takeId(
  target: Record<string, unknown> & { [ID_NAME]?: string },
  name: string,
  value: unknown,
  key: string,
): boolean {
  if (isId(value)) Object.defineProperty(target, ID_NAME, { value: name });
  if (name !== target[ID_NAME]) return false;
  target[name] = key;
  return true;
}
