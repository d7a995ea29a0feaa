import { Hono } from "hono/tiny";
import { answerBroken, createBrokenObject } from "../objects/broken-object.ts";
import { causeOf } from "../platform/log.ts";
import type { AppEnv } from "./inspector.ts";

/** Classes that a Worker may export though its service has none of them. */
const WITH_WORLDS = ["WorldObject", "ShardObject"] as const;

/**
 * Makes a service in development. One that is wrongly configured does not end `wrangler dev`, which would say that the
 * Worker does not export its classes: it starts, and each request shows what is wrong.
 */
export function createInDevelopment<T extends { readonly app: Hono<AppEnv> }>(create: () => T): T {
  try {
    return withoutWorlds(create());
  } catch (error) {
    const app = new Hono<AppEnv>();
    fail(app, error);
    const Broken = createBrokenObject(error);
    return { app, RoomObject: Broken, WorldObject: Broken, ShardObject: Broken } as unknown as T;
  }
}

/** Who extends a class that is only there with Worlds is told so. */
function withoutWorlds<T extends { readonly app: Hono<AppEnv> }>(service: T): T {
  for (const name of WITH_WORLDS) {
    if (name in service) continue;
    const get = () => {
      const error = noWorlds(name);
      fail(service.app, error);
      return createBrokenObject(error);
    };
    Object.defineProperty(service, name, { get });
  }
  return service;
}

/** From now on the service answers with an error. */
function fail(app: Hono<AppEnv>, error: unknown): void {
  console.error(causeOf(error));
  app.fetch = (request) => answerBroken(request, error);
}

export function noWorlds(name: string): Error {
  return new Error(
    `createRooms: there is no ${name} without Worlds. Add world: worlds(), and import { worlds } from "durable-rooms/worlds"`,
  );
}
