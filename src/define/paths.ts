import { isHostileKey } from "../protocol/values.ts";

/** The parameters of a route's path: `"GET /players/:id"` has `{ id: string }`. */
export type PathParams<P extends string> = { readonly [K in ParamNames<P>]: string };
type ParamNames<P extends string> = P extends `${string}:${infer Rest}`
  ? Rest extends `${infer Name}/${infer Tail}`
    ? CleanName<Name> | ParamNames<`/${Tail}`>
    : CleanName<Rest>
  : never;
type CleanName<N extends string> = N extends `${infer Name}{${string}` ? Name : N;

/** A room path, ready to match ids: `game-{id}` matches `game-1` with `{ id: "1" }`. */
export interface PathPattern {
  readonly path: string;
  match(id: string): Record<string, string> | undefined;
}

const SEGMENT = /\{([^{}]*)\}/g;
const NAME = /^[A-Za-z_]\w*$/;

/**
 * Parses a room path. A `{name}` segment matches at least one character of any kind, and as few as the text after it
 * allows.
 */
export function parsePath(path: string): PathPattern {
  const parts = path.split(SEGMENT);
  const literals = parts.filter((_, index) => index % 2 === 0);
  const names = parts.filter((_, index) => index % 2 === 1);
  return {
    path,
    match(id) {
      const values = matchSegments(id, literals);
      return values && Object.fromEntries(names.map((name, index) => [name, values[index] as string]));
    },
  };
}

/**
 * Finds what is between the literal texts of a path, in one pass: where a segment ends as early as it can, the most is
 * left for the others, so nothing has to be tried twice. A regular expression tries all ways to divide an id.
 */
function matchSegments(id: string, [first = "", ...others]: readonly string[]): string[] | undefined {
  if (!id.startsWith(first)) return undefined;
  const last = others.pop();
  if (last === undefined) return id === first ? [] : undefined;
  const values: string[] = [];
  let start = first.length;
  for (const literal of others) {
    const end = id.indexOf(literal, start + 1);
    if (end < 0) return undefined;
    values.push(id.slice(start, end));
    start = end + literal.length;
  }
  const end = id.length - last.length;
  if (end <= start || !id.endsWith(last)) return undefined;
  return [...values, id.slice(start, end)];
}

/** @throws Error if the path is empty or begins with /, a brace is unbalanced, or a name is malformed or used twice */
export function checkPath(path: unknown): void {
  if (typeof path !== "string" || path === "") throw new Error('A room needs a path, such as "game-{id}"');
  if (path.startsWith("/")) {
    const id = path.replace(/^\/+/, "") || "game-{id}";
    throw new Error(`The room path "${path}" has to begin without /: write "${id}", for /parties/main/${id}`);
  }
  const names = new Set<string>();
  for (const [index, part] of path.split(SEGMENT).entries()) {
    if (index % 2 === 0) {
      if (/[{}]/.test(part)) throw new Error(`Unbalanced brace in the room path "${path}"`);
      continue;
    }
    if (!NAME.test(part) || isHostileKey(part)) {
      throw new Error(`Malformed segment {${part}} in the room path "${path}": use letters, digits and _`);
    }
    if (names.has(part)) throw new Error(`{${part}} is used twice in the room path "${path}"`);
    names.add(part);
  }
}
