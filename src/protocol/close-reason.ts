/** A close frame has room for this many bytes of reason: RFC 6455, section 5.5. */
const MAX_BYTES = 123;

/** A reason as a close frame can carry it: cut at a whole character. */
export function closeReason(reason: string): string {
  const bytes = new TextEncoder().encode(reason);
  if (bytes.length <= MAX_BYTES) return reason;
  return new TextDecoder().decode(bytes.slice(0, MAX_BYTES)).replace(/\uFFFD+$/, "");
}
