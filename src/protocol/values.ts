/**
 * Checks of plain values: their kinds, their keys, and how one is merged into another. Clients, rooms and shards use
 * this file, so it has no imports.
 */

/** An object by its keys. */
export type Plain = Record<string, unknown>;

/** In a patch, the value that removes its key. */
export const DELETE = "$delete";

/** Deeper values are refused, so that recursion ends. No honest message is deeper. */
export const MAX_DEPTH = 64;

/**
 * Deeper patches are ignored. A state has at most a value of {@link MAX_DEPTH} levels in an entry that is as deep
 * itself.
 */
export const MAX_STATE_DEPTH = 3 * MAX_DEPTH;

/** Keys that reach an object's prototype when they are assigned. They are never read, stored or sent. */
export const HOSTILE_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

export function isHostileKey(key: string): boolean {
  return HOSTILE_KEYS.has(key);
}

/** Whether a JSON value holds a hostile key, or is nested deeper than {@link MAX_DEPTH}. */
export function hasHostileKey(value: unknown, depth = 0): boolean {
  if (!isContainer(value)) return false;
  if (depth >= MAX_DEPTH) return true;
  if (Array.isArray(value)) return value.some((item) => hasHostileKey(item, depth + 1));
  const inner = value as Plain;
  return Object.keys(inner).some((key) => isHostileKey(key) || hasHostileKey(inner[key], depth + 1));
}

/** An object or an array, of any class. */
export function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/**
 * An object that is not an array. Instances of classes count: most values come from JSON or storage, which have none.
 */
export function isPlain(value: unknown): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An object that is neither an array nor an instance of a class, for values that developers make. */
export function isLiteral(value: unknown): value is Plain {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * The promise that a handler, a guard or a schema returned. Undefined for any other value.
 *
 * It looks for a `then` method, as `await` does, since calls between Workers return promises that are not instances of
 * `Promise`. If such a promise of a guard were taken for its verdict, the guards after it would not run.
 * https://developers.cloudflare.com/workers/runtime-apis/rpc/
 */
export function promiseOf<T>(outcome: T | Promise<T>): Promise<T> | undefined {
  if (outcome instanceof Promise) return outcome;
  const isPromise = typeof (outcome as { readonly then?: unknown } | null | undefined)?.then === "function";
  return isPromise ? Promise.resolve(outcome) : undefined;
}

/** The value at a path, or undefined. */
export function valueAt(value: unknown, names: readonly string[]): unknown {
  return names.reduce<unknown>(
    (node, name) => (isPlain(node) && Object.hasOwn(node, name) ? node[name] : undefined),
    value,
  );
}

/**
 * Follows a path to the object in which a value is to be placed.
 *
 * @param next returns the object to continue with below a name, which is put there; undefined to stop
 * @returns the object at the end of the path, or undefined
 */
export function objectAt<Next extends Plain | undefined>(
  root: Plain,
  names: readonly string[],
  next: (node: Plain, name: string, depth: number) => Next,
): Plain | Next {
  let node = root;
  for (const [depth, name] of names.entries()) {
    const inner = next(node, name, depth);
    if (!inner) return inner;
    node[name] = inner;
    node = inner;
  }
  return node;
}

/**
 * Merges one object into another in place. If both have an object under a key, these are merged; otherwise the source's
 * value is used.
 */
export function mergeInto(target: Plain, source: Plain): void {
  for (const [key, value] of Object.entries(source)) {
    const current = target[key];
    if (isPlain(current) && isPlain(value)) mergeInto(current, value);
    else target[key] = value;
  }
}

/** The length of a value as JSON. 0 for a value that JSON does not have. */
export function jsonLength(value: unknown): number {
  try {
    return JSON.stringify(value)?.length ?? 0;
  } catch {
    return 0;
  }
}
