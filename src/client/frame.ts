import { isPlain } from "../protocol/values.ts";

/** The common part of all packets. */
export interface Frame extends Readonly<Record<string, unknown>> {
  readonly type: string;
}

/** Parses a text frame. @returns undefined for text that no room sends */
export function parseFrame(data: unknown): Frame | undefined {
  try {
    const frame: unknown = JSON.parse(String(data));
    return isPlain(frame) && typeof frame["type"] === "string" ? (frame as Frame) : undefined;
  } catch {
    return undefined;
  }
}
