import { isContainer } from "../protocol/values.ts";

/** The types of zod that no JSON value has, with what to use instead. With `z.coerce` some of them take JSON. */
const INSTEAD: Readonly<Record<string, string>> = {
  bigint: "z.coerce.bigint()",
  date: "z.coerce.date()",
  map: "z.record()",
  nan: "z.number()",
  set: "z.array()",
  symbol: "z.string()",
};

/** What a schema of zod says of itself. https://zod.dev/library-authors */
type Definition = Readonly<Record<string, unknown>> & { readonly type: string };

/**
 * What is wrong with a schema: it is none; or it is one of zod with a part that no JSON has, so that whatever a client
 * sent would be refused. A choice is fine if one of its options is, and a part that may be left out always is.
 *
 * @param what the option that holds it
 * @returns undefined if nothing is wrong, or it is of another library
 */
export function schemaProblem(value: unknown, what: string): string | undefined {
  if (value === undefined) return undefined;
  // The schemas of some libraries are functions.
  if (!(isContainer(value) || typeof value === "function") || !("~standard" in value))
    return `has ${what} that is no schema`;
  try {
    const problem = withoutJson(value, "", new Set());
    return problem && `has ${what} that no client can satisfy: it ${problem}`;
  } catch {
    // A part of it is declared later, as in schemas that hold themselves.
    return undefined;
  }
}

function withoutJson(schema: unknown, path: string, around: ReadonlySet<unknown>): string | undefined {
  const definition = (schema as { _zod?: { def: Definition } } | undefined)?._zod?.def;
  // A schema that holds itself says nothing new.
  if (!definition || around.has(schema)) return undefined;
  const { type, coerce, shape, items, options, element, valueType, left, right, in: input } = definition;
  const instead = INSTEAD[type];
  if (instead && !coerce) return `takes a ${type}${path && ` at "${path}"`}, which JSON does not have; use ${instead}`;
  const inside = new Set(around).add(schema);
  const problems = ((options as unknown[]) ?? [element, valueType, left, right, input]).map((part) =>
    withoutJson(part, path, inside),
  );
  if (options && problems.includes(undefined)) return undefined;
  for (const [key, part] of Object.entries({ ...(shape as object), ...(items as object) })) {
    problems.push(withoutJson(part, path ? `${path}.${key}` : key, inside));
  }
  return problems.find(Boolean);
}
