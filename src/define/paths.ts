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
 * Reads a room path. A `{name}` segment takes at least one character, of any kind, and as few
 * as the text after it allows.
 * @throws if the path is empty, a brace is unbalanced, or a name is malformed or used twice
 */
export function parsePath(path: string): PathPattern {
  if (typeof path !== "string" || path === "") throw new Error('A room needs a path, such as "game-{id}"');
  const names: string[] = [];
  const source = path.split(SEGMENT).map((part, index) => {
    if (index % 2 === 0) {
      if (/[{}]/.test(part)) throw new Error(`Unbalanced brace in the room path "${path}"`);
      return RegExp.escape(part);
    }
    if (!NAME.test(part) || isHostileKey(part)) {
      throw new Error(`Malformed segment {${part}} in the room path "${path}": use letters, digits and _`);
    }
    if (names.includes(part)) throw new Error(`{${part}} is there twice in the room path "${path}"`);
    names.push(part);
    return "(.+?)";
  });
  const expression = new RegExp(`^${source.join("")}$`, "s");
  return {
    path,
    match(id) {
      const found = expression.exec(id);
      if (!found) return undefined;
      return Object.fromEntries(names.map((name, index) => [name, found[index + 1] as string]));
    },
  };
}
