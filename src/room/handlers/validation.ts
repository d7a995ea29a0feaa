import type { Awaitable } from "../../define/types.ts";
import type { Issue } from "../../protocol/errors.ts";
import { RoomError } from "../../protocol/errors.ts";

/** The part of https://standardschema.dev, version 1, that is used here. Zod's schemas implement it. */
interface StandardSchema {
  readonly "~standard": { validate(value: unknown): Awaitable<Result> };
}
interface Result {
  readonly value?: unknown;
  readonly issues?: readonly StandardIssue[] | undefined;
}
interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/**
 * Parses a value with a schema; without a schema, returns it unchanged. Returns a promise only if the schema is async.
 * @throws RoomError `invalid_input` with the issues
 */
export function parseInput(schema: unknown, value: unknown): Awaitable<unknown> {
  if (schema === undefined) return value;
  const result = (schema as StandardSchema)["~standard"].validate(value);
  return result instanceof Promise ? result.then(accept) : accept(result);
}

function accept(result: Result): unknown {
  if (!result.issues) return result.value;
  throw new RoomError("invalid_input", "The value is not what this takes", { issues: result.issues.map(toIssue) });
}

function toIssue({ message, path = [] }: StandardIssue): Issue {
  return { path: path.map((part) => toKey(typeof part === "object" ? part.key : part)), message };
}

function toKey(key: PropertyKey): string | number {
  return typeof key === "symbol" ? String(key) : key;
}
