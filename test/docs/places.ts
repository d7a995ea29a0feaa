import { createRooms } from "../../src/index.ts";
import { worlds } from "../../src/worlds.ts";
import { gameRoom } from "./game-room.ts";

const european = createRooms({ rooms: [gameRoom], world: worlds(), jurisdiction: "eu", locationHint: "weur" });

const byRoom = createRooms({
  rooms: [gameRoom],
  world: worlds(),
  jurisdiction: ({ id }) => (id.startsWith("game-eu-") ? "eu" : undefined),
  locationHint: ({ party, id }) => (party === "world" ? "enam" : id.startsWith("game-eu-") ? "weur" : undefined),
});

export { byRoom, european };
