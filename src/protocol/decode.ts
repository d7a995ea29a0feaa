import { RoomError } from "./errors.ts";
import { hasHostileKey, isPlain } from "./values.ts";

/** A client's message, with the properties of the protocol. */
export interface ActionMessage {
  readonly action: string;
  readonly value: unknown;
  readonly id: string | number | undefined;
  /** The number of an input, and the tick that the client showed. They are checked where inputs are handled. */
  readonly input: unknown;
  readonly seen: unknown;
}

const MAX_NAME = 256;

/**
 * Reads a text frame of a client.
 * @throws RoomError `bad_message` if it is anything but `{ action, value?, id? }`
 */
export function decodeMessage(text: string): ActionMessage {
  const message = parse(text, "The message");
  if (!isPlain(message)) throw new RoomError("bad_message", "A message has to be a JSON object with an action");
  const { action, value, id, input, seen } = message;
  if (typeof action !== "string" || action === "" || action.length > MAX_NAME) {
    throw new RoomError("bad_message", "An action has to be a string of 1 to 256 characters");
  }
  if (id !== undefined && !isMessageId(id)) {
    throw new RoomError("bad_message", "An id has to be a number, or a string of up to 256 characters");
  }
  checkKeys(value, "The value");
  return { action, value, id: id as string | number | undefined, input, seen };
}

/** Replaces text that is not a message, so that it is refused. */
const NONE = "null";

/**
 * Splits an array of messages. Each part is handled as a frame of its own and checked there. Parts are cut out of the
 * text, so that an array costs no more than its messages. An array inside of an array is not a message.
 * @param frame begins with `[`
 */
export function* messagesIn(frame: string): Iterable<string> {
  let start = 1;
  let depth = 0;
  let isEnded = false;
  for (let at = 1; at < frame.length; at++) {
    const char = frame[at];
    if (char === '"') at = endOfText(frame, at);
    else if (char === "[" || char === "{") depth++;
    else if (char === "]" || char === "}") depth--;
    if (depth > 0 || (depth === 0 && char !== ",")) continue;
    const message = frame.slice(start, at);
    yield /^\s*\[/.test(message) ? NONE : message;
    start = at + 1;
    isEnded = char === "]";
    if (depth < 0) break;
  }
  if (!isEnded || frame.slice(start).trim() !== "") yield NONE;
}

/** @param start the position of the opening quotation mark */
function endOfText(frame: string, start: number): number {
  let at = start + 1;
  while (at < frame.length && frame[at] !== '"') at += frame[at] === "\\" ? 2 : 1;
  return at;
}

/**
 * Parses a value that a client sent as JSON.
 * @param what the name of the value, for messages
 * @throws RoomError `bad_message`
 */
export function parseValue(text: string, what: string): unknown {
  const value = parse(text, what);
  checkKeys(value, what);
  return value;
}

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RoomError("bad_message", `${what} is not valid JSON`, { cause });
  }
}

function checkKeys(value: unknown, what: string): void {
  if (hasHostileKey(value)) {
    throw new RoomError("bad_message", `${what} has a reserved key, or is nested too deeply`);
  }
}

function isMessageId(id: unknown): boolean {
  // JSON may have larger numbers than a double: 1e999 is read as Infinity, and would be answered as null.
  return Number.isFinite(id) || (typeof id === "string" && id.length <= MAX_NAME);
}
