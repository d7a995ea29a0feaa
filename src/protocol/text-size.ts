const WIDE = /[\u0080-\uffff]/;

/** The last counted text. A frame for many sockets is counted once. */
let counted = "";
let bytes = 0;

/** Whether each character of a text is one byte as UTF-8. */
export function isAscii(text: string): boolean {
  return !WIDE.test(text);
}

/** How many bytes a frame has. */
export function bytesOf(frame: string | ArrayBuffer | Uint8Array): number {
  if (typeof frame !== "string") return frame.byteLength;
  if (frame !== counted) {
    counted = frame;
    // Encoding takes ten times as long as searching the text.
    bytes = isAscii(frame) ? frame.length : new TextEncoder().encode(frame).length;
  }
  return bytes;
}

/**
 * The text of the next frame is known to be ASCII, since its parts are. In a crowd, each client gets a text of its own,
 * and searching all of them takes longer than making them.
 */
export function countAscii(text: string): void {
  counted = text;
  bytes = text.length;
}
