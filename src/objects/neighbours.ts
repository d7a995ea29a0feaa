import { RoomError } from "../protocol/errors.ts";
import { objectName } from "../protocol/urls.ts";
import type { TransferAnswer, OtherRooms, TransferredUser, RecallAnswer } from "../room/transfers/messages.ts";

/** What one room calls of another. These are calls between objects: no request from outside becomes one. */
interface RoomStub {
  fetch(input: string, init?: RequestInit): Promise<Response>;
  board(passenger: TransferredUser): Promise<TransferAnswer>;
  recall(transferId: string, sessionId: string): Promise<RecallAnswer>;
}

interface RoomNamespace {
  idFromName(name: string): unknown;
  get(id: unknown): RoomStub;
}

/** Where requests between objects seem to come from. */
export const ORIGIN = "https://rooms.internal";

/** Reaches the other rooms of a party. @param exists whether a definition serves a room id */
export function createNeighbours(env: object, party: string, exists: (roomId: string) => boolean): OtherRooms {
  const rooms = (env as { ROOMS: RoomNamespace }).ROOMS;
  const stubOf = (roomId: string): RoomStub => {
    if (!exists(roomId)) throw new RoomError("not_found", "There is no such room");
    // A new one each time: a stub that threw once is broken.
    return rooms.get(rooms.idFromName(objectName(party, roomId)));
  };
  return {
    async board(roomId, passenger) {
      if (!exists(roomId)) return { ok: false, code: "not_found", message: "There is no such room" };
      return stubOf(roomId).board(passenger);
    },
    recall: async (roomId, transferId, sessionId) => stubOf(roomId).recall(transferId, sessionId),
    async fetch(roomId, path, init) {
      const url = `${ORIGIN}/parties/${party}/${encodeURIComponent(roomId)}${path}`;
      return stubOf(roomId).fetch(url, init);
    },
  };
}
