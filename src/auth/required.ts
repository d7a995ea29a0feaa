import type { Settings } from "../define/room.ts";
import type { Claims } from "../define/types.ts";
import { RoomError } from "../protocol/errors.ts";

/** @returns why nobody with these claims comes in, if the room lets in only those who show a token, and none was shown */
export function refusalOf(settings: Pick<Settings, "auth"> | undefined, claims: Claims | null): RoomError | undefined {
  if (claims || settings?.auth !== "required") return undefined;
  return new RoomError("unauthenticated", "This room needs a token");
}
