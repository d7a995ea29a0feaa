import type { AnyRoom, FindRoom } from "../../src/define/room.ts";

/** Rooms by party, for the Worker under test. A test file and the Worker may have modules of their own, but one global. */
const shared = globalThis as typeof globalThis & { testRooms?: Map<string, AnyRoom> };
const rooms = (shared.testRooms ??= new Map<string, AnyRoom>());
let parties = 0;

/** Serves a room in a party of its own. @returns the party's name */
export function serve(room: AnyRoom): string {
  const party = `test-${parties++}-${crypto.randomUUID().slice(0, 8)}`;
  rooms.set(party, room);
  return party;
}

export const findRoom: FindRoom = (party, id) => {
  const room = rooms.get(party);
  const params = room?.compiled.pattern.match(id);
  return room && params ? { room, params } : undefined;
};
