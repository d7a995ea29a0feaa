import { isPlain } from "../protocol/values.ts";

/** A packet, as far as every one has it. */
export interface Frame extends Readonly<Record<string, unknown>> {
  readonly type: string;
}

/** Reads a text frame. @returns undefined for anything that no room sends: whatever it is, it is not for us */
export function parseFrame(data: unknown): Frame | undefined {
  try {
    const frame: unknown = JSON.parse(String(data));
    return isPlain(frame) && typeof frame["type"] === "string" ? (frame as Frame) : undefined;
  } catch {
    return undefined;
  }
}
