import type { Inspector } from "../app/inspector.ts";
import { createOperatorVerifier } from "../auth/verify.ts";
import { guest } from "./access.ts";
import { answer } from "./answer.ts";
import { inspectableRoom, inspectableShard } from "./objects.ts";
import { serve } from "./serve.ts";

/**
 * A page at `/inspector`, for operators: Worlds, shards and rooms, what is in them, and a form for each action.
 * Who has a token with the claim `inspect` sees a room, and with `manage` may evict it; with a variable
 * `INSPECTOR = "open"` in `.dev.vars`, for development only, nobody needs a token.
 *
 * @example
 * import { createRooms, jwt } from "durable-rooms";
 * import { inspector } from "durable-rooms/inspector";
 * const rooms = createRooms({ rooms: [gameRoom], auth: jwt({ secret: "AUTH_JWT_SECRET" }), inspector });
 */
export const inspector: Inspector = {
  operators: createOperatorVerifier(),
  guest,
  serve,
  answer,
  room: inspectableRoom,
  shard: inspectableShard,
};
export type { Inspector };
