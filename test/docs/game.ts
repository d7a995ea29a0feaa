// game.ts
import { connectRoom } from "../../src/client/index.ts";
import type { gameRoom } from "./game-room.ts";

export const game = connectRoom<typeof gameRoom>({ host: location.host, room: "game-1", storage: "session" });
