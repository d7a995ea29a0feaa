/** Writes a failure to the log, as one JSON object. Nothing that a client sent may be in it but ids. */
export function logFailure(event: string, details: Readonly<Record<string, unknown>>, error?: unknown): void {
  const cause = error instanceof Error ? (error.stack ?? error.message) : error;
  console.error(JSON.stringify({ level: "error", event, ...details, ...(error !== undefined && { error: cause }) }));
}
