import type { Context } from "hono";
import { Hono } from "hono/tiny";
import { cors } from "hono/cors";
import { forwardRequest, USER_TOKEN } from "../auth/internal.ts";
import { tokenError } from "../auth/access.ts";
import { chooseSubprotocol } from "../auth/subprotocol.ts";
import type { Operators } from "../auth/operators.ts";
import { readToken } from "../auth/verify.ts";
import type { Verify } from "../auth/verify.ts";
import type { FindRoom } from "../define/room.ts";
import type { Settings } from "../define/settings.ts";
import type { Claims } from "../define/types.ts";
import type { Build } from "../protocol/build.ts";
import { isFault, RoomError, toRoomError } from "../protocol/errors.ts";
import { parseRoomUrl } from "../protocol/urls.ts";
import type { RoomUrl } from "../protocol/urls.ts";
import { ANYWHERE } from "../objects/places.ts";
import type { Places } from "../objects/places.ts";
import { isUpgrade, refuse } from "../objects/handshake.ts";
import { reportRuntime } from "../objects/runtime.ts";
import { skipBody } from "../objects/unread-body.ts";
import { causeOf, createLog } from "../platform/log.ts";
import type { Log } from "../platform/log.ts";
import type { LogEntry } from "../platform/ports.ts";
import { isRetryable } from "../platform/retry.ts";
import { createDevelopmentCheck } from "./development.ts";
import type { Directory } from "./directory.ts";
import type { AppEnv, Inspector } from "./inspector.ts";
import type { FindWorldTarget, WorldTarget } from "./worlds.ts";
import { pathInside, requestInside, ROOM_ROUTE } from "./mounted.ts";

export type CorsOptions = NonNullable<Parameters<typeof cors>[0]>;

export interface AppParts {
  readonly find: FindRoom;
  /** All rooms, by their party. Default: none, so that nothing is said about them in development. */
  readonly rooms?: Directory["all"];
  /** Undefined if the service takes no tokens. */
  readonly verify: Verify | undefined;
  readonly cors: CorsOptions | false;
  /** Undefined if there are no operators. */
  readonly operators?: Operators | undefined;
  /** Undefined if the service has no Worlds. */
  readonly findWorldTarget?: FindWorldTarget | undefined;
  /** Default: the console. */
  readonly log?: Log;
  /** Where the service's objects are. Default: anywhere. */
  readonly places?: Places;
  /** Answers further requests of operators. Default: none. */
  readonly inspector?: Inspector | undefined;
}

/** The parts of the app that routing a request needs. */
type Routing = Omit<AppParts, "cors"> &
  Required<Pick<AppParts, "log" | "places">> & {
    readonly check: ReturnType<typeof createDevelopmentCheck> | undefined;
  };

/** Makes the Hono app that routes requests and sockets to rooms, shards and Worlds. */
export function createApp({ cors: corsOptions, ...parts }: AppParts): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const log = parts.log ?? createLog();
  const routing: Routing = {
    ...parts,
    log,
    places: parts.places ?? ANYWHERE,
    check:
      (globalThis as Build).process?.env?.NODE_ENV === "production"
        ? undefined
        : createDevelopmentCheck(log, parts.rooms ?? new Map()),
  };
  const allow = corsOptions !== false && cors(corsOptions);
  app.get("/health", (c) => c.json({ status: "ok" }));
  app.all(ROOM_ROUTE, async (c) => {
    // The answer to an upgrade is the socket itself: it has no headers to add to.
    if (isUpgrade(c.req.raw)) return chooseSubprotocol(await answer(c, routing), c.req.raw.headers);
    if (!allow) return answer(c, routing);
    const preflight = await allow(c, async () => {
      c.res = await answer(c, routing);
    });
    return preflight ?? c.res;
  });
  return app;
}

/** Leads a request to its object, and makes an answer of whatever is thrown on the way. */
async function answer(c: Context<AppEnv>, routing: Routing): Promise<Response> {
  try {
    return await route(c, routing);
  } catch (thrown) {
    const error = toRoomError(thrown);
    if (isFault(error)) routing.log(failure(c, thrown));
    const refusal = refuse(c.req.raw, error);
    await skipBody(c.req.raw, refusal);
    return refusal;
  }
}

async function route(c: Context<AppEnv>, routing: Routing): Promise<Response> {
  const { env } = c;
  // A runtime without Cloudflare's edge before it takes any Host header into the URL, even with a user's name.
  const url = URL.parse(c.req.raw.url);
  if (!url || url.username || url.password) throw new RoomError("bad_message", "The URL is not valid");
  const request = requestInside(c, url);
  const target = findTarget(request, url, routing);
  if (target.path.startsWith("/$")) return observe(request, url, target, env, routing);
  const claims = target.isForOperators
    ? await readOperator(request, url, env, routing, "world-auth-token")
    : await readClaims(request, url, env, routing.verify);
  const refusal = tokenError(target.settings, claims);
  if (refusal) throw refusal;
  if (isUpgrade(request)) routing.check?.upgrade(url, request.headers);
  const kept = target.kept ?? (routing.verify ? [] : USER_TOKEN);
  return fetchObject(routing.places, env, target, forwardRequest(request, claims, kept, url));
}

/** The object that a URL leads to. */
interface Target extends RoomUrl, WorldTarget {
  /** The settings of a room. Those of a shard's room are known only to the shard. */
  readonly settings?: Settings;
}

const NO_ROOM = "There is no such room";

/** @throws RoomError `not_found` if there is no such room, shard or World */
function findTarget(request: Request, url: URL, { find, findWorldTarget, check }: Routing): Target {
  const named = parseRoomUrl(url);
  if (!named) throw new RoomError("not_found", NO_ROOM);
  const { party, room } = named;
  const inWorld = findWorldTarget?.(request, named);
  if (inWorld) return { ...named, ...inWorld };
  const found = find(party, room);
  if (!found) throw new RoomError("not_found", check?.noSuchRoom(party, room) ?? NO_ROOM);
  return { ...named, binding: "ROOMS", settings: found.room.compiled.settings };
}

/**
 * Answers a path that begins with `/$`: these are the service's own, for operators. The object is called directly
 * instead of getting a request, so no guard or handler of the room sees it.
 */
async function observe(
  request: Request,
  url: URL,
  target: Target,
  env: Cloudflare.Env,
  routing: Routing,
): Promise<Response> {
  const { operators, inspector, places, find } = routing;
  if (!operators) throw new RoomError("unauthenticated", NO_OPERATORS);
  const auth = await readOperator(request, url, env, routing);
  if (!auth) throw new RoomError("unauthenticated", "This needs an operator's token");
  const { method } = request;
  const object = places.stubOf(env, target.binding, target.party, target.room);
  const answered = inspector?.answer({ method, target, query: url.searchParams, auth, find, object });
  const metrics = async () => ({ ...(await object.metrics()), worker: reportRuntime(env) });
  return answered ?? operators.answer({ method, target, auth }, metrics);
}

const NO_OPERATORS = "This service has no operators. Add auth: jwt({ … }) to createRooms";

/** The claims of the caller's token; null if there is none, or the service takes no tokens. */
async function readClaims(
  request: Request,
  url: URL,
  env: Cloudflare.Env,
  verify: Verify | undefined,
  parameter?: string,
): Promise<Claims | null> {
  const token = readToken(request, url, parameter);
  return token !== undefined && verify ? verify(token, env as unknown as Record<string, unknown>) : null;
}

/** The claims of an operator. Without a token, those that the inspector gives to everyone in development, if any. */
async function readOperator(
  request: Request,
  url: URL,
  env: Cloudflare.Env,
  { operators, inspector }: Routing,
  parameter?: string,
): Promise<Claims | null> {
  const claims = await readClaims(request, url, env, operators?.verify, parameter);
  return claims ?? inspector?.guest(request, env) ?? null;
}

const ATTEMPTS = 3;
const FIRST_DELAY = 50;

/**
 * Sends a request to an object, and repeats it if the runtime says that this can help. Only GET and HEAD are repeated.
 * https://developers.cloudflare.com/durable-objects/best-practices/error-handling/
 */
async function fetchObject(
  places: Places,
  env: Cloudflare.Env,
  { binding, party, room }: Target,
  request: Request,
): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await places.stubOf(env, binding, party, room).fetch(request);
    } catch (error) {
      const isSafe = request.method === "GET" || request.method === "HEAD";
      if (!isSafe || !isRetryable(error) || attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, FIRST_DELAY * 2 ** attempt * (0.5 + Math.random() / 2)));
    }
  }
}

/** What to log of a request that failed. */
function failure(c: Context<AppEnv>, thrown: unknown): LogEntry {
  const url = URL.parse(c.req.raw.url);
  const { party = "", room = "" } = (url && parseRoomUrl({ pathname: pathInside(c, url) })) || {};
  return { level: "error", event: "request_failed", party, room, code: "internal", error: causeOf(thrown) };
}
