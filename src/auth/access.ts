import type { Settings } from "../define/settings.ts";
import type { Claims } from "../define/types.ts";
import { RoomError } from "../protocol/errors.ts";

/** Whether a claim is one of these, or a list that has one of them. */
export function hasClaim(auth: Claims | null, name: string, ...wanted: string[]): boolean {
  const value = auth && Object.hasOwn(auth, name) ? auth[name] : undefined;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return wanted.some((item) => list.includes(item));
}

/** Whether verified claims make their bearer an operator of a World, or of all. */
export function operatesWorld(auth: Claims | null, worldId: string): boolean {
  return hasClaim(auth, "worlds", worldId, "*");
}

/** Whether they make them one of a room, shard or World: of this one, or of all; or of all Worlds. */
export function operatesRoom(auth: Claims, party: string, room: string): boolean {
  return hasClaim(auth, "rooms", `${party}/${room}`, "*") || operatesWorld(auth, party === "world" ? room : "*");
}

/** @returns the error for a caller without a token, if the room requires one */
export function tokenError(settings: Pick<Settings, "auth"> | undefined, claims: Claims | null): RoomError | undefined {
  if (claims || settings?.auth !== "required") return undefined;
  return new RoomError("unauthenticated", "This room needs a token");
}
