/**
 * Reads the next chunk of a body.
 * @throws what broke the body off. The runtime holds this error as long as the body, and V8 holds in it, until somebody
 * asks for its stack, all functions that wait for it, and with them the request: such a cycle is never collected (workerd
 * of 2026-11). So the stack is asked for here.
 */
export async function nextChunk(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  try {
    return await reader.read();
  } catch (error) {
    if (error instanceof Error) void error.stack;
    throw error;
  }
}
