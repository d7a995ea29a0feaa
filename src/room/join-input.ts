import type { CompiledRoom } from "../define/room.ts";
import type { Awaitable } from "../define/types.ts";
import { RoomError } from "../protocol/errors.ts";
import { bytesOf } from "../protocol/text-size.ts";
import { parseValue } from "../protocol/decode.ts";
import { promiseOf } from "../protocol/values.ts";
import { parseInput } from "./handlers/validation.ts";

/** The maximum size of the value that a client joins with, as JSON in bytes, since it is part of the URL. */
const MOST_BYTES = 2048;

/** Whether a client wants to be a spectator. @throws RoomError `forbidden` if the room does not allow spectators */
export function isSpectating({ compiled }: { readonly compiled: CompiledRoom }, url: string): boolean {
  // Most URLs do not contain it, and need not be parsed.
  if (!url.includes("spectator=") || !new URL(url).searchParams.get("spectator")) return false;
  if (compiled.settings.spectators) return true;
  throw new RoomError("forbidden", "This room does not allow spectators");
}

/**
 * The value that a client joins with, parsed by the definition's schema. Undefined without a schema, and for a
 * spectator without a value.
 * @throws RoomError `bad_message`, `message_too_large`, or `invalid_input` with the reason
 */
export function readJoinInput(compiled: CompiledRoom, url: string, isSpectator: boolean): Awaitable<unknown> {
  const { join } = compiled.definition;
  if (!join) return undefined;
  const text = new URL(url).searchParams.get("params");
  if (text === null && isSpectator) return undefined;
  if (text !== null && bytesOf(text) > MOST_BYTES)
    throw new RoomError("message_too_large", `params may have up to ${MOST_BYTES} bytes as JSON`);
  try {
    const parsed = parseInput(join.input, text === null ? undefined : parseValue(text, "params"));
    return promiseOf(parsed)?.catch(explain) ?? parsed;
  } catch (error) {
    return explain(error);
  }
}

/** The close reason is all that the client gets, so it names the first issue. */
function explain(error: unknown): never {
  const [issue] = error instanceof RoomError ? (error.issues ?? []) : [];
  if (!issue) throw error;
  throw new RoomError("invalid_input", ["params", ...issue.path].join(".") + `: ${issue.message}`);
}
