import type { Settings } from "../define/settings.ts";
import type { Claims } from "../define/types.ts";
import { RoomError } from "../protocol/errors.ts";

/** Whether a claim is one of these values, or a list that contains one of them. */
export function hasClaim(auth: Claims | null, name: string, ...wanted: string[]): boolean {
  const value = auth && Object.hasOwn(auth, name) ? auth[name] : undefined;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return wanted.some((item) => list.includes(item));
}

/** Whether verified claims make the caller an operator of this World, or of all Worlds. */
export function operatesWorld(auth: Claims | null, worldId: string): boolean {
  return hasClaim(auth, "worlds", worldId, "*");
}

/** Whether verified claims make the caller an operator of this room, shard or World, or of all of them. */
export function operatesRoom(auth: Claims, party: string, room: string): boolean {
  return hasClaim(auth, "rooms", `${party}/${room}`, "*") || operatesWorld(auth, party === "world" ? room : "*");
}

/** @returns the error for a caller without a token, if the room requires one */
export function tokenError(settings: Pick<Settings, "auth"> | undefined, claims: Claims | null): RoomError | undefined {
  if (claims || settings?.auth !== "required") return undefined;
  return new RoomError("unauthenticated", "This room needs a token");
}
