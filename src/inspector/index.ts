import type { Inspector } from "../app/inspector.ts";
import { createOperators } from "../auth/operators.ts";
import { guest } from "./access.ts";
import { answer } from "./answer.ts";
import { inspectableRoom, inspectableShard } from "./objects.ts";
import { serve } from "./serve.ts";

/**
 * A page for operators at `/inspector`: Worlds, shards and rooms, their state, and a form for each action. A token with
 * the claim `inspect` shows a room, and one with `manage` may also evict it. For development only, the variable
 * `INSPECTOR = "open"` in `.dev.vars` gives access without a token.
 *
 * @example
 * import { createRooms, jwt } from "durable-rooms";
 * import { inspector } from "durable-rooms/inspector";
 * const rooms = createRooms({ rooms: [gameRoom], auth: jwt({ secret: "AUTH_JWT_SECRET" }), inspector });
 */
export const inspector: Inspector = {
  operators: createOperators(),
  guest,
  serve,
  answer,
  room: inspectableRoom,
  shard: inspectableShard,
};
export type { Inspector };
