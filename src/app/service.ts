import type { Auth } from "../auth/verify.ts";
import { assertBindings, ROOM_BINDINGS, WORLD_BINDINGS } from "../objects/bindings.ts";
import { createRoomObject } from "../objects/room-object.ts";
import { missingSettings } from "../objects/runtime.ts";
import { createLog, LEVELS } from "../platform/log.ts";
import type { Log } from "../platform/log.ts";
import type { LogEntry, LogLevel } from "../platform/ports.ts";
import { createApp } from "./app.ts";
import type { CorsOptions } from "./app.ts";
import { createDirectory } from "./directory.ts";
import type { RoomsConfig } from "./directory.ts";
import type { Inspector } from "./inspector.ts";
import type { Worlds } from "./worlds.ts";

/** What `createRooms` takes: rooms, tokens, CORS, the log, an inspector, and Worlds. */
export interface ServiceConfig extends RoomsConfig {
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
}

const OPTIONS: readonly string[] = ["rooms", "parties", "auth", "cors", "log", "logLevel", "inspector", "world"];

/**
 * Makes the parts that every service has, with Worlds or without.
 * @throws Error that says what to do, if an option or a binding is missing or malformed
 */
export function createService(config: ServiceConfig) {
  for (const name of Object.keys(config)) {
    if (!OPTIONS.includes(name))
      throw new Error(`createRooms: there is no option "${name}". Known: ${OPTIONS.join(", ")}`);
  }
  const { auth, cors = { origin: "*" }, inspector, world: worlds } = config;
  // Earlier versions took the options themselves.
  if (auth && typeof auth.users !== "function") {
    throw new Error(
      'createRooms: auth takes what jwt() makes. Write auth: jwt({ … }), and import { jwt } from "durable-rooms"',
    );
  }
  if (worlds && typeof worlds.classes !== "function") {
    throw new Error(
      'createRooms: world takes what worlds() makes. Write world: worlds({ … }), and import { worlds } from "durable-rooms/worlds"',
    );
  }
  const world = worlds && { ids: worlds.ids };
  const { find, all } = createDirectory(config);
  const closed = all.find((room) => room.compiled.settings.auth === "required");
  if (closed && !auth) {
    throw new Error(
      `createRooms: the room "${closed.path}" requires authentication. Add auth: jwt({ secret: "AUTH_JWT_SECRET" })`,
    );
  }
  assertBindings(world ? WORLD_BINDINGS : ROOM_BINDINGS);
  const log = checkLog(config);
  const missing = missingSettings();
  if (missing.length > 0)
    log({ level: "warn", event: "settings_missing", hint: `wrangler.toml needs ${missing.join(", ")}` });
  const operator = auth?.operators ?? worlds?.operators ?? inspector?.operators;
  const app = createApp({ find, rooms: all, verify: auth?.users, operator, world, log, cors, inspector });
  inspector?.serve(app, { config, world, operator: operator ?? inspector.operators });
  const RoomObject = createRoomObject(find, log, worlds?.createLinks);
  return { find, log, app, RoomObject: inspector?.room(RoomObject) ?? RoomObject };
}

function checkLog({ log, logLevel }: ServiceConfig): Log {
  if (log !== undefined && typeof log !== "function") throw new Error("createRooms: log has to be a function");
  if (logLevel !== undefined && !LEVELS.includes(logLevel)) {
    throw new Error(`createRooms: logLevel has to be one of ${LEVELS.join(", ")}`);
  }
  return createLog(log, logLevel);
}
