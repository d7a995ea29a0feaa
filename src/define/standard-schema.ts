/**
 * A schema of any library that implements Standard Schema version 1: zod 3.24 or later, valibot, arktype and others.
 *
 * @see https://standardschema.dev
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** The result of a schema: the parsed value, or why the value does not match. */
export type SchemaResult<Output = unknown> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

type TypesOf<Z extends StandardSchema> = NonNullable<Z["~standard"]["types"]>;
/** The type that a schema accepts. */
export type SchemaInput<Z extends StandardSchema> = TypesOf<Z>["input"];
/** The type that a schema returns. */
export type SchemaOutput<Z extends StandardSchema> = TypesOf<Z>["output"];
