// client.ts, in the browser
import { connectRoom, findRoom, listRooms } from "../../src/client/index.ts";
import type { DuelListing, duelRoom } from "./duel-room.ts";

const search = { host: location.host, room: "duel-{mode}-{id}", filter: { mode: "blitz", level: { lte: 3 } } };
const duel = connectRoom<typeof duelRoom>({
  host: location.host,
  // Asked until a room lets us in. The last part makes one, of this mode, where none has a place.
  room: async () => (await findRoom<DuelListing>({ ...search, create: { mode: "blitz" } })).roomId,
});
duel.on("status", () => console.log(duel.status, duel.room));
const open = await listRooms<DuelListing>(search); // [{ roomId, metadata, users, maxUsers, locked }, …]

export { duel, open };
