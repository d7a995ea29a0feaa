import { isPlain } from "../protocol/values.ts";

type Plain = Record<string, unknown>;

/**
 * A plain value as clients of `@signe/sync` can hold it: they take a key with dots for a path, so
 * `{ "a.b": 1 }` becomes `{ a: { b: 1 } }` here already. A path that leads through something that is no object
 * is left out, since `load` would throw there. Inside arrays, which are sent whole, keys stay as they are.
 */
export function nestDottedKeys(value: unknown): unknown {
  if (!isPlain(value)) return value;
  const nested: Plain = {};
  const dotted: [string, unknown][] = [];
  for (const [key, inner] of Object.entries(value)) {
    if (key.includes(".")) dotted.push([key, inner]);
    else nested[key] = nestDottedKeys(inner);
  }
  for (const [key, inner] of dotted) place(nested, key.split("."), nestDottedKeys(inner));
  return nested;
}

function place(target: Plain, path: readonly string[], value: unknown): void {
  let node = target;
  for (const name of path.slice(0, -1)) {
    const next = Object.hasOwn(node, name) ? node[name] : (node[name] = {});
    if (!isPlain(next)) return;
    node = next;
  }
  const last = path.at(-1) as string;
  if (!Object.hasOwn(node, last)) node[last] = value;
}
