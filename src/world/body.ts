import * as z from "zod/mini";
import en from "zod/v4/locales/en.js";
import { hasHostileKey } from "../protocol/values.ts";
import type { RoomError } from "../protocol/errors.ts";
import { readText } from "../room/requests/request-body.ts";

/** A body that matches its schema, or its problems. */
type Body<T> = { readonly value: T } | { readonly issues: readonly Problem[] };
type Problem = Pick<z.core.$ZodIssue, "path" | "message">;

// zod/mini has no messages of its own. These are used only here, and do not change the zod of a room.
const words = en().localeError;

const MOST_BYTES = 16_384;

/**
 * Reads a JSON body of a request to a World, up to the allowed size. A route reads its own body, since the protocol
 * defines the answer to a malformed one.
 */
export async function readBody<Z extends z.ZodMiniType>(request: Request, schema: Z): Promise<Body<z.output<Z>>> {
  let text: string;
  try {
    text = await readText(request, MOST_BYTES);
  } catch (error) {
    return refuse((error as RoomError).message);
  }
  const json = parseJson(text);
  if (!json || hasHostileKey(json.value)) return refuse("The body is not JSON, or has a reserved key");
  const parsed = schema.safeParse(json.value, { error: words });
  return parsed.success ? { value: parsed.data } : { issues: parsed.error.issues };
}

function refuse(message: string): { issues: readonly Problem[] } {
  return { issues: [{ path: [], message }] };
}

function parseJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
