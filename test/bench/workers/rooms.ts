import { createRooms, jwt } from "../../../src/index.ts";
import { kvStorage } from "../../../src/objects/storage.ts";
import { zero } from "../../../src/platform/counts.ts";
import { Journal } from "../../../src/room/storage/journal.ts";
import { worlds } from "../../../src/worlds.ts";
import { gameRoom } from "./game-room.ts";

/** (b): this project. The prefix of a room's name selects its `throttleSync`. */
const rooms = createRooms({
  rooms: [gameRoom("0-{id}", 0), gameRoom("auto-{id}", "auto"), gameRoom("50-{id}", 50)],
  auth: jwt({ secret: "AUTH_JWT_SECRET" }),
  world: worlds({ shardCapacity: 1000 }),
});
export class Room extends rooms.RoomObject {
  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    if (message === WRITE_JOURNAL) writeJournal(this.ctx.storage);
    else await super.webSocketMessage(socket, message);
  }
}
export class World extends rooms.WorldObject {}
export class Shard extends rooms.ShardObject {}
export default rooms.app;

const WRITE_JOURNAL = JSON.stringify({ action: "journal", value: { x: 0, y: 0 } });
const SAVES = 5;
/** The number of rows that fill a journal with the default `throttleStorage`. */
const FULL = 1900;

/**
 * Stores players as if many had moved for a while. The room does not know, so it can sleep, and finds the rows later.
 */
function writeJournal(storage: DurableObjectStorage): void {
  const journal = new Journal(
    kvStorage(
      storage,
      zero(),
      () => {},
      () => {},
    ),
    1000,
  );
  const players = [...storage.kv.list({ prefix: "players.", limit: FULL })];
  const keys = players.map(([key]) => key);
  for (let save = 1; save <= SAVES; save++) {
    journal.save(1000 * save, keys, () => {
      for (const [key, player] of players) journal.put(key, player);
    });
  }
}
