import type { Auth } from "../auth/jwt.ts";
import type { LocationConfig } from "../objects/places.ts";
import type { LogEntry, LogLevel } from "../platform/ports.ts";
import type { CorsOptions } from "./app.ts";
import type { RoomsConfig } from "./directory.ts";
import type { Inspector } from "./inspector.ts";
import type { Transfers } from "./transfers.ts";
import type { Worlds } from "./worlds.ts";

/** The options of {@link createRooms}. All of them are optional. */
export interface ServiceConfig extends RoomsConfig, LocationConfig {
  /**
   * How tokens are verified: `jwt({ secret })` with the name of a secret, or `jwt({ jwksUrl, issuer, audience })`.
   * Without it, no client is authenticated, and `auth` of handlers is null. Default: none.
   */
  readonly auth?: Auth;
  /** The options of `hono/cors`, or false for no CORS headers. Default: any origin is allowed. */
  readonly cors?: CorsOptions | false;
  /**
   * Receives the entries of the log. Default: each entry is written to the console as a JSON object, with the method of
   * its level.
   */
  readonly log?: (entry: LogEntry) => void;
  /** The lowest level that is logged: `"debug"`, `"info"`, `"warn"` or `"error"`. Default `"warn"`. */
  readonly logLevel?: LogLevel;
  /** A page for operators at `/inspector`: `inspector` of `durable-rooms/inspector`. Default: none. */
  readonly inspector?: Inspector;
  /**
   * Worlds, which distribute the clients of a room over shards and list rooms: `worlds()` of `durable-rooms/worlds`.
   * Default: none.
   */
  readonly world?: Worlds;
  /**
   * Transfers, which let `room.sessionTransfer` move users to other rooms: `transfers` of `durable-rooms`. Default:
   * none.
   */
  readonly transfers?: Transfers;
}
