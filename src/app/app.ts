import { Hono } from "hono/tiny";
import { cors } from "hono/cors";
import { forwardRequest } from "../auth/internal.ts";
import { readToken } from "../auth/verify.ts";
import type { Verify } from "../auth/verify.ts";
import type { FindRoom } from "../define/room.ts";
import type { Claims } from "../define/types.ts";
import { RoomError, toRoomError } from "../protocol/errors.ts";
import { objectName, parseRoomUrl } from "../protocol/urls.ts";
import type { RoomUrl } from "../protocol/urls.ts";
import { isUpgrade, refuse } from "../objects/refuse.ts";

/** The Worker's environment, as far as routes of the service need it. */
export interface AppEnv {
  Bindings: Cloudflare.Env;
}
export type CorsOptions = NonNullable<Parameters<typeof cors>[0]>;

/** The bindings that lead to objects. The package is built without any Worker's own `Cloudflare.Env`. */
interface RoomBindings {
  readonly ROOMS: DurableObjectNamespace;
  readonly WORLDS: DurableObjectNamespace;
  readonly SHARDS: DurableObjectNamespace;
}

export interface AppParts {
  readonly find: FindRoom;
  /** Undefined if the service takes no tokens. */
  readonly verify: Verify | undefined;
  readonly cors: CorsOptions | false;
  /** Undefined if the service has no Worlds. */
  readonly world?: WorldAccess | undefined;
}

/** Who may do what with a World. */
export interface WorldAccess {
  /** The Worlds that there are; undefined if any id is one. */
  readonly ids: readonly string[] | undefined;
  /** Checks an operator's token. */
  readonly verify: Verify;
}

/** What routes need to find their way. */
type Routing = Omit<AppParts, "cors">;

/** Makes the Hono app that leads requests and sockets to their rooms. */
export function createApp({ cors: corsOptions, ...routing }: AppParts): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const allow = corsOptions !== false && cors(corsOptions);
  app.get("/health", (c) => c.json({ status: "ok" }));
  app.all("/parties/*", async (c) => {
    // The answer to an upgrade is the socket itself: it has no headers to add to.
    if (!allow || isUpgrade(c.req.raw)) return answer(c.req.raw, c.env, routing);
    const preflight = await allow(c, async () => {
      c.res = await answer(c.req.raw, c.env, routing);
    });
    return preflight ?? c.res;
  });
  return app;
}

/** Leads a request to its object, and makes an answer of whatever is thrown on the way. */
async function answer(request: Request, env: Cloudflare.Env, routing: Routing): Promise<Response> {
  try {
    return await route(request, env, routing);
  } catch (thrown) {
    const error = toRoomError(thrown);
    if (error.code === "internal") logFailure(thrown);
    return refuse(request, error);
  }
}

async function route(request: Request, env: Cloudflare.Env, routing: Routing): Promise<Response> {
  // A runtime without Cloudflare's edge before it takes any Host header into the URL, even with a user's name.
  const url = URL.parse(request.url);
  if (!url || url.username || url.password) throw new RoomError("bad_message", "The URL is not valid");
  const target = parseRoomUrl(url);
  if (!target) throw new RoomError("not_found", "There is no such room");
  const name = objectName(target.party, target.room);
  const { ROOMS: rooms, WORLDS: worlds, SHARDS: shards } = env as unknown as RoomBindings;
  if (target.party === "world") {
    const claims = await authenticateForWorld(request, url, target, env, routing);
    // The World checks the secret of a shard itself.
    return fetchObject(worlds, name, forwardRequest(request, claims, ["x-access-shard"], url));
  }
  if (target.party === "shard" && routing.world) {
    // Whether the room needs a token only the shard knows.
    return fetchObject(
      shards,
      name,
      forwardRequest(request, await readClaims(request, url, env, routing.verify), [], url),
    );
  }
  const found = routing.find(target.party, target.room);
  if (!found) throw new RoomError("not_found", "There is no such room");
  const claims = await readClaims(request, url, env, routing.verify);
  if (!claims && found.room.compiled.settings.auth === "required") {
    throw new RoomError("unauthenticated", "This room needs a token");
  }
  return fetchObject(rooms, name, forwardRequest(request, claims, [], url));
}

/** The claims of the caller's token, if there is one and the service takes any. */
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

/** What clients ask of a World. */
const FOR_CLIENTS: ReadonlySet<string> = new Set(["/connect", "/find-room", "/list-rooms"]);

/** To find their way, clients show a World what they show its rooms; all else is for operators, and for shards. */
async function authenticateForWorld(
  request: Request,
  url: URL,
  { room, path }: RoomUrl,
  env: Cloudflare.Env,
  { world, verify }: Routing,
): Promise<Claims | null> {
  if (!world || (world.ids && !world.ids.includes(room))) throw new RoomError("not_found", "There is no such World");
  if (FOR_CLIENTS.has(path)) return readClaims(request, url, env, verify);
  return readClaims(request, url, env, world.verify, "world-auth-token");
}

const ATTEMPTS = 3;
const FIRST_DELAY = 50;

/**
 * Asks an object, again if the runtime says that this can help. Only what has no body can be sent twice.
 * https://developers.cloudflare.com/durable-objects/best-practices/error-handling/
 */
async function fetchObject(namespace: DurableObjectNamespace, name: string, request: Request): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    try {
      // A stub that threw is broken: each attempt takes a new one.
      return await namespace.get(namespace.idFromName(name)).fetch(request);
    } catch (error) {
      const { retryable, overloaded } = error as { retryable?: boolean; overloaded?: boolean };
      const isSafe = request.method === "GET" || request.method === "HEAD";
      if (!isSafe || !retryable || overloaded || attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, FIRST_DELAY * 2 ** attempt * (0.5 + Math.random() / 2)));
    }
  }
}

function logFailure(thrown: unknown): void {
  const error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  console.error(JSON.stringify({ level: "error", event: "request_failed", error }));
}
