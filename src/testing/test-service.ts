import { env } from "cloudflare:workers";
import { SignJWT } from "jose";
import { createService } from "../app/service.ts";
import type { ServiceConfig } from "../app/service-config.ts";
import type { FindOptions, ListOptions, RoomListing } from "../client/find-room.ts";
import type { AnyRoom, DefinedRoom } from "../define/room.ts";
import type { Claims } from "../define/types.ts";
import { createPlaces } from "../objects/places.ts";
import { objectName } from "../protocol/urls.ts";
import { answerOf, ask, ORIGIN } from "./connect.ts";
import { ObjectUnderTest, RoomUnderTest } from "./object-under-test.ts";
import { scopedName, shared } from "./registry.ts";
import type { ServiceParts } from "./registry.ts";
import { advanceAll } from "./service-time.ts";
import { TestedRoom } from "./tested-room.ts";
import type { Caller, RoomTest, TestObject, TestRoomOptions } from "./types.ts";

/** The options of {@link testService}: those of `createRooms` without `inspector`. */
export type TestServiceConfig = Omit<ServiceConfig, "inspector">;

type Search<Options> = Omit<Options, "host" | "token" | "socket" | "worldId"> & Caller;

/** A World of the service under test. */
export interface WorldTest extends TestObject {
  /** Works as `findRoom` of the client. @throws Error with the `status` of the answer, if there is no such room */
  findRoom<M = Record<string, unknown>>(search: Search<FindOptions<M>>): Promise<RoomListing<M>>;
  /** Works as `listRooms` of the client. @throws Error with the `status` of the answer */
  listRooms<M = Record<string, unknown>>(search: Search<ListOptions<M>>): Promise<readonly RoomListing<M>[]>;
  /** Sends an HTTP request to the World. @param path the path inside the World, with a leading slash */
  fetch(path: string, init?: RequestInit & Caller): Promise<Response>;
}

/** A service under test. */
export interface ServiceTest {
  /** Starts a room of the service. The result is that of {@link testRoom}. */
  room<S, A, O, E, J, F>(
    definition: DefinedRoom<S, A, O, E, J, F>,
    options?: TestRoomOptions,
  ): Promise<RoomTest<S, A, O, E, J, F>>;
  /** Returns a World. @param id Default `"world-default"` */
  world(id?: string): WorldTest;
  /** Returns a shard. @param id `shardId` of a client that is connected to it */
  shard(id: string): TestObject;
  /** Sends a request to the Worker, as a client does. @param path the path of the URL */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /**
   * Signs a token with HS256 and a secret of the Worker.
   *
   * @param secret the name of the secret. Default `"AUTH_JWT_SECRET"`
   * @throws Error if the Worker has no such secret
   */
  token(claims: Claims, secret?: string): Promise<string>;
  /**
   * Advances the clock of the service, without waiting: everything that is due in rooms, Worlds and shards runs in
   * order. @param ms how long
   */
  advance(ms: number): Promise<void>;
  /** Checks that all clients of all rooms see what they may see. @throws Error that names the client that does not */
  expectConverged(): Promise<void>;
}

/**
 * Runs a whole service in workerd, as `createRooms` makes it: rooms that call each other, transfers, Worlds, shards and
 * tokens. Each service has its own objects, so tests can use the same ids. The `main` of your vitest config has to
 * export the classes of the test kit: `export { RoomObject, ShardObject, WorldObject, default } from
 * "durable-rooms/testing"`.
 *
 * @throws Error as `createRooms` does
 * @example
 * import { testService } from "durable-rooms/testing";
 * const service = await testService({ rooms: [gameRoom] });
 * const { createClient, room } = await service.room(gameRoom, { id: "game-1" });
 * const ada = await createClient({ id: "ada" });
 * await ada.call("increment");
 * await service.advance(1000);
 * expect(room.state.count()).toBe(1);
 */
export async function testService(config: TestServiceConfig): Promise<ServiceTest> {
  const service = serve(config);
  const rooms = new Map<string, TestedRoom>();
  const roomOf = async (definition: AnyRoom, { id = idFor(definition), auth }: TestRoomOptions) => {
    const party = partyOf(config, definition);
    const name = objectName(party, id);
    const tested = rooms.get(name) ?? new TestedRoom(service, party, id);
    rooms.set(name, tested);
    await tested.begin(definition);
    return tested.test(auth ?? null, advance);
  };
  const advance = async (ms: number) => {
    await advanceAll(service, ms);
    for (const tested of rooms.values()) await tested.delivered();
  };
  return {
    room: (definition, options = {}) => roomOf(definition, options) as never,
    world: (id = "world-default") => createWorldTest(new RoomUnderTest(service, "world", id)),
    shard(id) {
      const shard = new ObjectUnderTest(service, "shard", id);
      return { evict: () => shard.evict(), crash: () => shard.crash() };
    },
    fetch: async (path, init) => service.app.request(new Request(ORIGIN + path, init), undefined, env),
    token: signToken,
    advance,
    async expectConverged() {
      for (const tested of rooms.values()) await tested.expectConverged();
    },
  };
}

/** Makes the service, and registers it for its objects. */
function serve(config: TestServiceConfig): ServiceParts {
  const scope = crypto.randomUUID();
  const { find, log, places, app, createReport } = createService(config, (where, ofLog) =>
    createPlaces(where, ofLog, (party, id) => scopedName(scope, party, id)),
  );
  const service: ServiceParts = {
    app,
    find,
    log,
    places,
    findWorld: config.world?.findWorld(find, log, places, () => Date.now() + service.ahead),
    createWorldParts: config.world?.createParts,
    transfers: config.transfers?.parts,
    createReport,
    ahead: 0,
    objects: new Map(),
  };
  shared().services.set(scope, service);
  return service;
}

function partyOf({ rooms = [], parties = {} }: TestServiceConfig, definition: AnyRoom): string {
  const found = Object.entries({ main: rooms, ...parties }).find(([, list]) => list.includes(definition));
  if (found) return found[0];
  throw new Error(
    `The service has no room with the path "${definition.path}": give it to testService in rooms or parties`,
  );
}

function idFor({ path }: AnyRoom): string {
  return path.replace(/\{\w+\}/g, "test");
}

function createWorldTest(object: RoomUnderTest): WorldTest {
  const fetch: WorldTest["fetch"] = (path, init = {}) => ask(object, path, init);
  const search = async (path: string, { auth, token, ...body }: Caller) => {
    const caller = { ...(auth !== undefined && { auth }), ...(token !== undefined && { token }) };
    return answerOf<Record<string, never>>(
      await fetch(path, { method: "POST", body: JSON.stringify(body), ...caller }),
    );
  };
  return {
    fetch,
    async findRoom(options) {
      const { success: _, ...found } = await search("/find-room", options);
      return found as never;
    },
    listRooms: async (options) => (await search("/list-rooms", options))["rooms"] as never,
    evict: () => object.evict(),
    crash: () => object.crash(),
  };
}

async function signToken(claims: Claims, secret = "AUTH_JWT_SECRET"): Promise<string> {
  const key = (env as unknown as Readonly<Record<string, unknown>>)[secret];
  if (typeof key !== "string") {
    throw new Error(
      `The Worker of the tests has no secret ${secret}: add it to miniflare.bindings in your vitest config`,
    );
  }
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setIssuedAt()
    .setExpirationTime("1h")
    .sign(new TextEncoder().encode(key));
}
