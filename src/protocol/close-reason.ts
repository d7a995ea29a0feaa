/** The maximum size of the reason in a close frame: RFC 6455, section 5.5. */
const MAX_BYTES = 123;

/** Cuts a reason to the size of a close frame, at a whole character. */
export function closeReason(reason: string): string {
  const bytes = new TextEncoder().encode(reason);
  if (bytes.length <= MAX_BYTES) return reason;
  return new TextDecoder().decode(bytes.slice(0, MAX_BYTES)).replace(/\uFFFD+$/, "");
}
