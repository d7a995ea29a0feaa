// src/server.ts, the `main` of wrangler.toml
import { createRooms } from "../../src/index.ts";
import { gameRoom } from "./game-room.ts";
import framework from "./framework-entry.ts";

const rooms = createRooms({ rooms: [gameRoom] });
export class RoomObject extends rooms.RoomObject {}

export default {
  fetch(request: Request, env: Cloudflare.Env, ctx: ExecutionContext) {
    const isForRooms = new URL(request.url).pathname.startsWith("/parties/");
    return isForRooms ? rooms.app.fetch(request, env, ctx) : framework.fetch(request, env, ctx);
  },
};
