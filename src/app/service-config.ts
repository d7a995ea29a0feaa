import type { Auth } from "../auth/verify.ts";
import type { LocationConfig } from "../objects/places.ts";
import type { LogEntry, LogLevel } from "../platform/ports.ts";
import type { CorsOptions } from "./app.ts";
import type { RoomsConfig } from "./directory.ts";
import type { Inspector } from "./inspector.ts";
import type { Transfers } from "./transfers.ts";
import type { Worlds } from "./worlds.ts";

/** What `createRooms` takes: rooms, tokens, CORS, the log, an inspector, and Worlds. */
export interface ServiceConfig extends RoomsConfig, LocationConfig {
  /** How tokens are checked: `jwt({ … })`. Without it nobody is authenticated, and no room can require it. */
  readonly auth?: Auth;
  /** Options of `hono/cors`, or false. Default: any origin. */
  readonly cors?: CorsOptions | false;
  /** Gets the entries of the log. Default: writes each to the console method of its level, as one JSON object. */
  readonly log?: (entry: LogEntry) => void;
  /** Entries below this level are not logged. Default `"warn"`. */
  readonly logLevel?: LogLevel;
  /** `inspector` of `durable-rooms/inspector`: a page at `/inspector` for operators. Default: none. */
  readonly inspector?: Inspector;
  /** `worlds()` of `durable-rooms/worlds`: spreads the clients of a room over shards, and finds rooms. Default: none. */
  readonly world?: Worlds;
  /** `transfers`: lets `room.sessionTransfer` move users to other rooms. Default: none, and a smaller Worker. */
  readonly transfers?: Transfers;
}
