import { nextChunk } from "../platform/next-chunk.ts";
import { within } from "../platform/timeout.ts";

/** How much of a body is read only to throw it away, in bytes, and for how long, in ms. */
const MOST_UNREAD = 1_048_576;
const PATIENCE = 1000;

/**
 * Reads what nobody read of a request's body before it is answered. While a client is still sending, the runtime may
 * close the connection once the answer is out, and the client gets an error in its place. That can still happen to who
 * sends more than this, or slowly.
 */
export async function skipBody({ body }: Request, response: Response, patience = PATIENCE): Promise<void> {
  // A handler may have passed the body on, also into its answer.
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
