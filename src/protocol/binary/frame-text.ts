/** What binary frames are as JSON: made where somebody looks at them. */
const texts = new WeakMap<Uint8Array, () => string>();

/** Says what a frame is as JSON. @returns the frame */
export function withText(frame: Uint8Array<ArrayBuffer>, text: () => string): Uint8Array<ArrayBuffer> {
  texts.set(frame, text);
  return frame;
}

/** A frame as JSON, for developers. */
export function textOfFrame(frame: string | Uint8Array): string {
  return typeof frame === "string" ? frame : (texts.get(frame)?.() ?? "");
}
