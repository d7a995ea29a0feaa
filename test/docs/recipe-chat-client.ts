import { CallError, connectRoom } from "../../src/client/index.ts";
import type { chat } from "./recipe-chat.ts";

const room = connectRoom<typeof chat>({ host: location.host, room: "chat-1" });

/** @returns what to show beside the field; nothing if all went well */
export async function say(text: string): Promise<string> {
  try {
    await room.call("say", text);
    return "";
  } catch (error) {
    if (error instanceof CallError && error.code === "rate_limited") return "Not so fast";
    throw error;
  }
}
