const WIDE = /[\u0080-\uffff]/;

/** How many bytes a frame has. */
export function bytesOf(frame: string | ArrayBuffer): number {
  if (typeof frame !== "string") return frame.byteLength;
  // Encoding takes ten times as long as looking at the text.
  return WIDE.test(frame) ? new TextEncoder().encode(frame).length : frame.length;
}

/** Whether a frame of a client has more bytes than are allowed. */
export function isTooLarge(frame: string | ArrayBuffer, limit: number): boolean {
  // A UTF-16 unit takes at most three bytes, so most messages need no counting.
  if (typeof frame === "string" && frame.length * 3 <= limit) return false;
  return bytesOf(frame) > limit;
}
