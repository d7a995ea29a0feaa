import { CallError } from "../../src/client/index.ts";
import type { ClientOf } from "../../src/client/index.ts";
import type { chat } from "./recipe-chat.ts";

/** @returns what to show beside the field; nothing if all went well */
export async function say(room: ClientOf<typeof chat>, text: string): Promise<string> {
  try {
    await room.call("say", text);
    return "";
  } catch (error) {
    if (error instanceof CallError && error.code === "rate_limited") return "Not so fast";
    throw error;
  }
}
