import { Hono } from "hono/tiny";
import { answerBroken, createBrokenObject } from "../objects/broken-object.ts";
import { causeOf } from "../platform/log.ts";
import type { AppEnv } from "./inspector.ts";

/** The part of a service that is used here. */
interface Service {
  readonly app: Hono<AppEnv>;
}

/**
 * Makes a service in development. A wrong configuration does not throw, since `wrangler dev` would then only report
 * that the Worker does not export its classes. It starts, and each request shows the error.
 */
export function createInDevelopment<T extends Service>(create: () => T): T {
  try {
    const service = create();
    return withoutWorlds(service, (error) => {
      fail(service.app, error);
      return createBrokenObject(error);
    });
  } catch (error) {
    const app = new Hono<AppEnv>();
    fail(app, error);
    const Broken = createBrokenObject(error);
    return { app, RoomObject: Broken, WorldObject: Broken, ShardObject: Broken } as unknown as T;
  }
}

/** Makes a service in tests, where errors are thrown. */
export function createInTests<T extends Service>(create: () => T): T {
  return withoutWorlds(create(), (error) => {
    throw error;
  });
}

/** Earlier versions made these classes without Worlds too. A Worker that still extends one is told what is missing. */
function withoutWorlds<T extends Service>(service: T, used: (error: Error) => unknown): T {
  for (const name of ["WorldObject", "ShardObject"].filter((one) => !(one in service))) {
    const text = `createRooms: there is no ${name} without Worlds. Add world: worlds(), and import { worlds } from "durable-rooms/worlds"`;
    Object.defineProperty(service, name, { get: () => used(new Error(text)) });
  }
  return service;
}

/** Makes the service answer every request with an error. */
function fail(app: Hono<AppEnv>, error: unknown): void {
  console.error(causeOf(error));
  app.fetch = (request) => answerBroken(request, error);
}
