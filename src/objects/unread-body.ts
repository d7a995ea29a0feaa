import { nextChunk } from "../platform/next-chunk.ts";
import { within } from "../platform/timeout.ts";

/** How much of an unread body is read and discarded, in bytes, and for how long, in ms. */
const MOST_UNREAD = 1_048_576;
const PATIENCE = 1000;

/**
 * Reads the unread part of a request's body before the answer. While a client still sends, the runtime may close the
 * connection after the answer, and the client gets an error instead. That can still happen to a client that sends more
 * than this, or slowly.
 */
export async function skipBody({ body }: Request, response: Response, patience = PATIENCE): Promise<void> {
  // A handler may have forwarded the body, also into its answer.
  if (!body || body.locked || body === response.body) return;
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  try {
    await within(patience, skip(reader), () => new Error("The client is slow"));
  } catch {
    // It may be broken already.
    reader.cancel().catch(() => {});
  }
}

async function skip(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  for (let size = 0; size <= MOST_UNREAD;) {
    const { done, value } = await nextChunk(reader);
    if (done) return;
    size += value.byteLength;
  }
  throw new Error("The body is too large");
}
