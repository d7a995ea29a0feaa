import type { SchemaIssue, SchemaResult, StandardSchema } from "../../define/standard-schema.ts";
import type { Awaitable } from "../../define/types.ts";
import type { Issue } from "../../protocol/errors.ts";
import { RoomError } from "../../protocol/errors.ts";

/**
 * Parses a value with a schema; without a schema, returns it unchanged. Returns a promise only if the schema is async.
 * @throws RoomError `invalid_input` with the issues
 */
export function parseInput(schema: unknown, value: unknown): Awaitable<unknown> {
  if (schema === undefined) return value;
  const result = (schema as StandardSchema)["~standard"].validate(value);
  // Not every promise is an instance of Promise.
  return "then" in result ? Promise.resolve(result).then(accept) : accept(result);
}

function accept(result: SchemaResult): unknown {
  if (!result.issues) return result.value;
  throw new RoomError("invalid_input", "The value does not match the schema", { issues: firstIssues(result.issues) });
}

/** How many issues a refusal names, and how many characters they have in all, about. */
const MOST_ISSUES = 16;
const MOST_TEXT = 4000;
/** How many parts a path has. */
const MOST_PARTS = 16;
/** How many characters a message, or a part of a path, has. */
const LONGEST_TEXT = 250;

/** The first issues: a schema may find so many that the answer would be many times as large as the message. */
function firstIssues(issues: readonly SchemaIssue[]): Issue[] {
  const first: Issue[] = [];
  let size = 0;
  for (const issue of issues.slice(0, MOST_ISSUES)) {
    const next = toIssue(issue);
    size += JSON.stringify(next).length;
    if (size > MOST_TEXT && first.length > 0) break;
    first.push(next);
  }
  return first;
}

function toIssue({ message, path = [] }: SchemaIssue): Issue {
  const parts = path.slice(0, MOST_PARTS).map((part) => toKey(typeof part === "object" ? part.key : part));
  return { path: parts, message: cut(message) };
}

function toKey(key: PropertyKey): string | number {
  return typeof key === "number" ? key : cut(String(key));
}

function cut(text: string): string {
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT).toWellFormed()}…`;
}
