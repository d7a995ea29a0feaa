import { assertBindings, ROOM_BINDINGS, WORLD_BINDINGS } from "../objects/bindings.ts";
import { createPlaces } from "../objects/places.ts";
import { createRoomObject } from "../objects/room-object.ts";
import { createLog } from "../platform/log.ts";
import type { Build } from "../protocol/build.ts";
import { createApp } from "./app.ts";
import { checkConfig } from "./check-config.ts";
import { createDirectory } from "./directory.ts";
import type { ServiceConfig } from "./service-config.ts";

/**
 * Makes the parts of every service, with Worlds or without.
 * @throws Error that says what to do, if a binding is missing; in development and in tests also if an option is
 * malformed
 * @param placesOf makes the places of its objects: the test kit separates those of each test
 */
export function createService(config: ServiceConfig, placesOf = createPlaces) {
  if ((globalThis as Build).process?.env?.NODE_ENV !== "production") checkConfig(config);
  const { auth, cors = { origin: "*" }, inspector, world: worlds, transfers } = config;
  // Earlier versions took the options themselves. A deployed Worker checks this too, since it would treat every client
  // as a guest.
  if (auth && typeof auth.users !== "function") {
    throw new Error('createRooms: auth has to be made with jwt() of "durable-rooms". Write auth: jwt({ … })');
  }
  const world = worlds && { ids: worlds.ids };
  const { find, all } = createDirectory(config);
  assertBindings(world ? WORLD_BINDINGS : ROOM_BINDINGS);
  const log = createLog(config.log, config.logLevel);
  const places = placesOf(config, log);
  const operators = auth?.operators ?? worlds?.operators ?? inspector?.operators;
  const createReport = operators?.createReport;
  const app = createApp({
    find,
    rooms: all,
    verify: auth?.users,
    operators,
    log,
    cors,
    inspector,
    places,
    findWorldTarget: worlds?.findTarget,
  });
  inspector?.serve(app, { config, world, operator: (operators ?? inspector.operators).verify });
  const RoomObject = createRoomObject(find, {
    log,
    places,
    createWorldParts: worlds?.createParts,
    transfers: transfers?.parts,
    createReport,
  });
  return { find, log, places, app, createReport, RoomObject: inspector?.room(RoomObject) ?? RoomObject };
}
