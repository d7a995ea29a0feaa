/** What the form reads of a JSON Schema, which comes from the room's definition. */
export interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
}

/** What a value may be, in a few words. */
export function hintOf(schema: Schema): string {
  const { minimum, maximum, minLength, maxLength, description, pattern, format } = schema;
  const parts = [
    description,
    range(minimum, maximum, ""),
    range(minLength, maxLength, " characters"),
    format ?? (pattern && `like ${pattern}`),
    schema.default !== undefined ? `default ${JSON.stringify(schema.default)}` : undefined,
  ];
  return parts.filter((part) => part !== undefined && part !== "").join(", ");
}

function range(least: number | undefined, most: number | undefined, unit: string): string | undefined {
  // What zod says of any whole number.
  const from = least === undefined || least <= Number.MIN_SAFE_INTEGER ? undefined : least;
  const to = most === undefined || most >= Number.MAX_SAFE_INTEGER ? undefined : most;
  if (from === undefined && to === undefined) return undefined;
  if (to === undefined) return `at least ${from}${unit}`;
  return from === undefined ? `at most ${to}${unit}` : `${from} to ${to}${unit}`;
}
