/** Converts a binary frame to JSON when a developer looks at it. A weak map of so many frames would cost more. */
const TEXT = Symbol("text");

interface Described {
  [TEXT]?: () => string;
}

/** Attaches the JSON form to a frame. @returns the frame */
export function withText(frame: Uint8Array<ArrayBuffer>, text: () => string): Uint8Array<ArrayBuffer> {
  (frame as Described)[TEXT] = text;
  return frame;
}

/** A frame as JSON, for developers. */
export function textOfFrame(frame: string | Uint8Array): string {
  return typeof frame === "string" ? frame : ((frame as Described)[TEXT]?.() ?? "");
}
