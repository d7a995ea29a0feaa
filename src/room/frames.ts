/** Whether a frame of a client has more bytes than are allowed. */
export function isTooLarge(frame: string | ArrayBuffer, limit: number): boolean {
  if (typeof frame !== "string") return frame.byteLength > limit;
  // A UTF-16 unit takes at most three bytes, so most messages need no counting.
  return frame.length > limit || (frame.length * 3 > limit && new TextEncoder().encode(frame).length > limit);
}
