/**
 * Reads the next chunk of a body.
 * @throws the error that ended the body. The runtime keeps this error as long as the body. Until its stack is read, V8
 * keeps all functions that wait for it, and with them the request: a cycle that is never collected (workerd of
 * 2026-11). Reading the stack here prevents that.
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
