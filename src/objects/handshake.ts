/** What a client says of itself in the query of its upgrade request. */
export function credentialsOf(url: string): { sessionId: string | undefined; transferToken: string | undefined } {
  const query = new URL(url).searchParams;
  return {
    sessionId: query.get("id") || query.get("_pk") || undefined,
    transferToken: query.get("transferToken") || undefined,
  };
}

/** Answers a close frame. A client may send codes and reasons that nobody may send: they are answered with 1000. */
export function answerClose(ws: WebSocket, code: number, reason: string): void {
  try {
    ws.close(code === 1005 || code === 1006 || code === 1015 ? 1000 : code, reason);
  } catch {
    ws.close(1000);
  }
}
