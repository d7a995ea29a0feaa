import { RoomError } from "../protocol/errors.ts";
import { isContainer } from "../protocol/values.ts";
import type { StandardSchema } from "./standard-schema.ts";

/** The zod types that JSON does not have, with the replacement. With `z.coerce` some of them accept JSON. */
const INSTEAD: Readonly<Record<string, string>> = {
  bigint: "z.coerce.bigint()",
  date: "z.coerce.date()",
  map: "z.record()",
  nan: "z.number()",
  set: "z.array()",
  symbol: "z.string()",
};

/** The part of a zod schema that describes it. https://zod.dev/library-authors */
type Definition = Readonly<Record<string, unknown>> & { readonly type: string };

/**
 * Finds out what is wrong with a schema: the value is not a schema, or it is a zod schema of which a part cannot be
 * JSON, so that no message of a client could match. A union is fine if one of its options is, and an optional part
 * always is.
 *
 * @param what the name of the option, for the message
 * @returns undefined if nothing is wrong, or if the schema is from another library
 */
export function schemaProblem(value: unknown, what: string): string | undefined {
  if (value === undefined) return undefined;
  return notSchema(value, what) ?? partProblem(value, what);
}

function partProblem(schema: unknown, what: string): string | undefined {
  try {
    const problem = withoutJson(schema, "", new Set());
    return problem && `has ${what} that no client can satisfy: it ${problem}`;
  } catch {
    // Recursive schemas declare some of their parts later.
    return undefined;
  }
}

/** Describes the problem if a value is not a schema. Schemas of some libraries are functions. */
export function notSchema(value: unknown, what: string): string | undefined {
  const isSchema = value === undefined || ((isContainer(value) || typeof value === "function") && "~standard" in value);
  return isSchema
    ? undefined
    : `has ${what} that is not a schema: use zod 3.24 or later, or another library with Standard Schema`;
}

/**
 * Parses a value that the room's own code gives.
 *
 * @param what the name of the value, for messages
 * @throws RoomError `internal` if the value does not match, or if the schema is async, since the caller cannot wait for
 * it
 */
export function parseOwn(schema: unknown, value: unknown, what: string): unknown {
  if (schema === undefined) return value;
  const result = (schema as StandardSchema)["~standard"].validate(value);
  if ("then" in result) throw new RoomError("internal", `${what} cannot have an async schema`);
  if (!result.issues) return result.value;
  const [{ message, path = [] } = { message: "" }] = result.issues;
  const where = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
  throw new RoomError("internal", `${what} does not match its schema: ${where && `${where}: `}${message}`);
}

function withoutJson(schema: unknown, path: string, around: ReadonlySet<unknown>): string | undefined {
  const definition = (schema as { _zod?: { def: Definition } } | undefined)?._zod?.def;
  // A recursive schema has nothing new here.
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
