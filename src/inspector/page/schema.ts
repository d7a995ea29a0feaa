/** The part of a JSON Schema, from the room's definition, that the form reads. */
export interface Schema {
  /** A list of types is split by {@link choicesOf}. */
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly title?: string;
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
}

/** A short description of the allowed values. */
export function hintOf(schema: Schema): string {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems, description, pattern, format } = schema;
  const parts = [
    description,
    range(minimum, maximum, ""),
    range(minLength, maxLength, " characters"),
    range(minItems, maxItems, " of them"),
    format ?? (pattern && `like ${pattern}`),
    schema.default !== undefined ? `default ${JSON.stringify(schema.default)}` : undefined,
  ];
  return parts.filter((part) => part !== undefined && part !== "").join(", ");
}

/** The choices, if a value may be one of several things. */
export function choicesOf(schema: Schema): readonly Schema[] | undefined {
  const { anyOf, oneOf, type } = schema;
  if (typeof type !== "object") return anyOf ?? oneOf;
  return type.map((one) => withType(schema, one));
}

function withType(schema: Schema, type: string): Schema {
  return type === "null" ? { type } : { ...schema, type };
}

/** The name of a choice: what distinguishes it from the others. */
export function nameOf(choice: Schema): string {
  const { title, const: only, type = "JSON", properties = {}, description: _, default: __, ...schema } = choice;
  if (title !== undefined) return title;
  if (only !== undefined) return JSON.stringify(only);
  const mark = Object.entries(properties).find(([, inner]) => inner.const !== undefined);
  if (mark) return `${mark[0]}: ${JSON.stringify(mark[1].const)}`;
  const hint = hintOf(schema);
  return [type, hint].filter((part) => part !== "").join(", ");
}

function range(least: number | undefined, most: number | undefined, unit: string): string | undefined {
  // The limits that zod gives for any whole number.
  const from = least === undefined || least <= Number.MIN_SAFE_INTEGER ? undefined : least;
  const to = most === undefined || most >= Number.MAX_SAFE_INTEGER ? undefined : most;
  if (from === undefined && to === undefined) return undefined;
  if (to === undefined) return `at least ${from}${unit}`;
  if (from === to) return `${to}${unit}`;
  return from === undefined ? `at most ${to}${unit}` : `${from} to ${to}${unit}`;
}
