import { isContainer } from "../protocol/values.ts";

/** The types of zod that no JSON value has, with what to use instead. With `z.coerce` some of them take JSON. */
const WITHOUT_JSON: Readonly<Record<string, string>> = {
  bigint: "z.coerce.bigint()",
  date: "z.coerce.date()",
  file: "a request",
  function: "the name of what is to run",
  map: "z.record()",
  nan: "z.number()",
  set: "z.array()",
  symbol: "z.string()",
};

/** What a schema of zod says of itself. https://zod.dev/library-authors */
interface Definition {
  readonly type?: string;
  readonly coerce?: boolean;
  readonly [part: string]: unknown;
}

/**
 * What is wrong with a schema: it is none; or it is one of zod with a part that no JSON has, so that whatever a client
 * sent would be refused. A choice is fine if one of its options is, and a part that may be left out always is.
 *
 * @param what the option that holds it
 * @returns undefined if nothing is wrong, or it is of another library
 */
export function schemaProblem(value: unknown, what: string): string | undefined {
  if (value === undefined) return undefined;
  if (!isContainer(value) || !("~standard" in value)) return `has ${what} that is no schema`;
  try {
    const problem = withoutJson(value, "", new Set());
    return problem && `has ${what} that no client can satisfy: it ${problem}`;
  } catch {
    // A part of it is declared later, as in schemas that hold themselves.
    return undefined;
  }
}

function withoutJson(schema: unknown, path: string, around: ReadonlySet<unknown>): string | undefined {
  const definition = definitionOf(schema);
  // A schema that holds itself says nothing new.
  if (!definition || around.has(schema)) return undefined;
  const inside = new Set(around).add(schema);
  const { type = "" } = definition;
  if (Object.hasOwn(WITHOUT_JSON, type) && definition.coerce !== true) {
    return `takes a ${type}${path && ` at "${path}"`}, which JSON does not have; use ${WITHOUT_JSON[type]}`;
  }
  if (type === "union") {
    const problems = (definition["options"] as unknown[]).map((option) => withoutJson(option, path, inside));
    return problems.includes(undefined) ? undefined : problems[0];
  }
  for (const [key, part] of partsOf(definition)) {
    const problem = withoutJson(part, [path, key].filter(Boolean).join("."), inside);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function definitionOf(schema: unknown): Definition | undefined {
  const internals = isContainer(schema) ? (schema as { _zod?: { def?: Definition } })._zod : undefined;
  return internals?.def;
}

/** The parts of a schema that a value has to satisfy all. */
function partsOf(definition: Definition): [key: string, part: unknown][] {
  switch (definition.type) {
    case "object":
      return Object.entries(definition["shape"] as object);
    case "array":
      return [["0", definition["element"]]];
    case "tuple":
      return Object.entries(definition["items"] as object);
    case "record":
      return [["*", definition["valueType"]]];
    case "intersection":
      return [
        ["", definition["left"]],
        ["", definition["right"]],
      ];
    case "pipe":
      return [["", definition["in"]]];
    case "lazy":
      return [["", (definition["getter"] as () => unknown)()]];
    case "readonly":
    case "nonoptional":
      return [["", definition["innerType"]]];
    default:
      return [];
  }
}
