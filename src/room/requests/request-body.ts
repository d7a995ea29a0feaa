import { RoomError } from "../../protocol/errors.ts";
import { nextChunk } from "../../platform/next-chunk.ts";
import { within } from "../../platform/timeout.ts";

/** How long a client may take to send a body, in ms, since the object cannot hibernate meanwhile. */
const PATIENCE = 30_000;

/**
 * Reads a body as text, and stops when it exceeds the limit.
 * @param limit in bytes
 * @throws RoomError `message_too_large`; `bad_message` if the body breaks off, or takes too long
 */
export async function readText({ body }: Request, limit: number, patience = PATIENCE): Promise<string> {
  if (!body) return "";
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  try {
    return await within(
      patience,
      readAll(reader, limit),
      () => new RoomError("bad_message", "The body takes too long"),
    );
  } catch (cause) {
    // The object skips a part of the rest before it answers.
    if (cause instanceof RoomError && cause.code === "message_too_large") reader.releaseLock();
    // The stream may have failed already.
    else reader.cancel().catch(() => {});
    throw cause instanceof RoomError ? cause : new RoomError("bad_message", "The body cannot be read", { cause });
  }
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>, limit: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for (;;) {
    const { done, value } = await nextChunk(reader);
    if (done) return text + decoder.decode();
    size += value.byteLength;
    if (size > limit) throw new RoomError("message_too_large", "The body is too large");
    text += decoder.decode(value, { stream: true });
  }
}
