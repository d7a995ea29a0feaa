import type * as z from "zod/mini";
import { operatesWorld } from "../auth/access.ts";
import { QUOTA_WAIT } from "../protocol/quota.ts";
import { defineRoom } from "../define/define-room.ts";
import type { DefinedRoom } from "../define/room.ts";
import type { ResponseBuilder, RoomHandle } from "../define/types.ts";
import { guardSockets, operatorOnly, operatorOrShard } from "./access.ts";
import { readBody } from "./body.ts";
import { hintOf } from "./location.ts";
import { CONTENT_TYPE, exposition, wantsText } from "./prometheus.ts";
import type { ErrorAnswer } from "./error-answer.ts";
import { ownRoutes } from "./own-routes.ts";
import { connectBody, findBody, listBody, listingBody, registerBody, reportBody, scaleBody } from "./schemas.ts";
import type { WorldSettings } from "./settings.ts";
import { infosOf, makeWorldState } from "./state.ts";
import type { WorldState } from "./state.ts";
import { World } from "./world.ts";
import type { WorldParts } from "./world.ts";

/** The arguments of a route's handler. */
interface Call {
  readonly request: Request;
  readonly state: WorldState;
  readonly room: RoomHandle;
  readonly res: ResponseBuilder;
}

/**
 * Makes the room that runs a World. Its state is the registry of rooms and shards, which operators can watch. Its
 * requests are those of the protocol's section "World".
 *
 * @param parts `find`, `shards` and `rooms` reach the service's rooms and shards; `now` and `random` are for tests
 */
export function createWorld(parts: WorldParts): DefinedRoom {
  const worlds = new WeakMap<WorldState, World>();
  const worldOf = ({ state, room }: Pick<Call, "state" | "room">): World => {
    const world = worlds.get(state) ?? new World(parts, state, room);
    worlds.set(state, world);
    return world;
  };
  return defineRoom({
    path: "{id}",
    // Everything that was answered is durable.
    throttleStorage: 0,
    requestRate: requestRateOf(parts.settings),
    guards: [guardSockets],
    state: makeWorldState,
    schedules: { sweep: { run: (context) => worldOf(context).sweep() } },
    requests: {
      "POST /connect": { run: ({ auth, ...call }) => connect(worldOf(call), call, auth !== null) },
      "POST /find-room": { run: ({ auth, ...call }) => find(worldOf(call), call, auth !== null) },
      "POST /list-rooms": { run: ({ auth, ...call }) => list(worldOf(call), call, auth !== null) },
      "POST /update-listing": {
        guards: [operatorOrShard(parts.log)],
        run: (call) => updateListing(worldOf(call), call),
      },
      "POST /register-room": { guards: [operatorOnly], run: (call) => register(worldOf(call), call) },
      "POST /scale-room": { guards: [operatorOnly], run: (call) => scale(worldOf(call), call) },
      "POST /update-shard": {
        guards: [operatorOrShard(parts.log)],
        run: ({ auth, ...call }) => update(worldOf(call), call, operatesWorld(auth, call.room.id)),
      },
      "GET /registry": {
        guards: [operatorOnly],
        run: ({ state }) => ({ rooms: infosOf(state.rooms()), shards: infosOf(state.shards()) }),
      },
      "GET /metrics": { guards: [operatorOnly], run: (call) => metrics(worldOf(call), call) },
      ...(ownRoutes(parts.settings.requests ?? {}) as object),
    },
  });
}

/** The rate of all requests to a World: at least that of requests for a place, and at least that of other rooms. */
function requestRateOf({ connectRate: { requests, per } }: WorldSettings): WorldSettings["connectRate"] {
  return { requests: Math.max(requests, 300), per: Math.min(per, 10_000) };
}

/** Limits how often an address may ask for a shard or a room. @returns the answer if the limit is exceeded */
function limitRate(world: World, { request, res }: Call): Response | undefined {
  const wait = world.rateLimit.wait(request.headers, world.now());
  if (wait <= 0) return undefined;
  const seconds = String(Math.ceil(wait / 1000));
  return res.status(429).header("retry-after", seconds).json({ error: "Too many requests. Try again later" });
}

async function connect(world: World, call: Call, isAuthenticated: boolean): Promise<Response> {
  const { request, res } = call;
  const refusal = limitRate(world, call);
  if (refusal) return refusal;
  return withBody(request, res, connectBody, "Invalid request", async (body) => {
    const hint = hintOf((request as { cf?: unknown }).cf);
    const shardId = await world.connect({ ...body, isAuthenticated, hint });
    // The address of a shard is its id: clients connect to /parties/shard/<url>.
    return typeof shardId === "string" ? res.success({ success: true, shardId, url: shardId }) : refuse(res, shardId);
  });
}

async function find(world: World, call: Call, isAuthenticated: boolean): Promise<Response> {
  const { request, res } = call;
  const refusal = limitRate(world, call);
  if (refusal) return refusal;
  return withBody(request, res, findBody, "Invalid request", async ({ create, ...query }) => {
    const found = await world.finder.find(query, create, { isAuthenticated });
    world.keepSweeping();
    return "status" in found ? refuse(res, found) : res.success({ success: true, ...found });
  });
}

async function list(world: World, call: Call, isAuthenticated: boolean): Promise<Response> {
  const { request, res } = call;
  const refusal = limitRate(world, call);
  if (refusal) return refusal;
  return withBody(request, res, listBody, "Invalid request", async ({ limit, ...query }) => {
    const rooms = world.finder.list(query, limit, { isAuthenticated });
    return "status" in rooms ? refuse(res, rooms) : res.success({ success: true, rooms });
  });
}

function updateListing(world: World, { request, res }: Call): Promise<Response> {
  return withBody(request, res, listingBody, "Invalid request", async (body) => {
    const refusal = world.list(body);
    return refusal ? refuse(res, refusal) : res.success();
  });
}

function register(world: World, { request, res }: Call): Promise<Response> {
  return withBody(request, res, registerBody, "Invalid room configuration", async (body) => {
    const shards = await world.register(body);
    return "status" in shards ? refuse(res, shards) : res.success({ success: true, roomId: body.name, shards });
  });
}

function scale(world: World, { request, res }: Call): Promise<Response> {
  return withBody(request, res, scaleBody, "Invalid request", async (body) => {
    const shards = await world.scale(body);
    return "status" in shards ? refuse(res, shards) : res.success({ success: true, shards });
  });
}

function update(world: World, { request, res }: Call, byOperator: boolean): Promise<Response> {
  return withBody(request, res, reportBody, "Invalid request", async (body) => {
    const refusal = await world.report(body, byOperator);
    return refusal ? refuse(res, refusal) : res.success();
  });
}

async function metrics(world: World, { request, res }: Call): Promise<unknown> {
  const all = await world.metrics();
  if (!wantsText(request)) return all;
  return res.header("content-type", CONTENT_TYPE).text(exposition(all));
}

async function withBody<Z extends z.ZodMiniType>(
  request: Request,
  res: ResponseBuilder,
  schema: Z,
  error: string,
  run: (body: z.output<Z>) => Promise<Response>,
): Promise<Response> {
  const body = await readBody(request, schema);
  return "issues" in body ? res.badRequest(error, { details: body.issues }) : run(body.value);
}

function refuse(res: ResponseBuilder, { status, ...body }: ErrorAnswer): Response {
  if (status !== 503) return res.status(status).json(body);
  const wait = body.code === "over_quota" ? QUOTA_WAIT : 1;
  return res.status(status).header("retry-after", String(wait)).json(body);
}
