import { Hono } from "hono";
import { cors } from "hono/cors";
import { forwardRequest } from "../auth/internal.ts";
import { readToken } from "../auth/verify.ts";
import type { Verify } from "../auth/verify.ts";
import type { AnyRoom, FindRoom } from "../define/room.ts";
import type { Claims } from "../define/types.ts";
import { RoomError, toRoomError } from "../protocol/errors.ts";
import { objectName, parseRoomUrl } from "../protocol/urls.ts";
import { isUpgrade, refuse } from "../objects/refuse.ts";

/** The Worker's environment, as far as routes of the service need it. */
export interface AppEnv {
  Bindings: Cloudflare.Env;
}
export type CorsOptions = NonNullable<Parameters<typeof cors>[0]>;

/** The binding that leads to rooms. The package is built without any Worker's own `Cloudflare.Env`. */
interface RoomBindings {
  readonly ROOMS: DurableObjectNamespace;
}

export interface AppParts {
  readonly find: FindRoom;
  /** Undefined if the service takes no tokens. */
  readonly verify: Verify | undefined;
  readonly cors: CorsOptions | false;
}

/** Makes the Hono app that leads requests and sockets to their rooms. */
export function createApp({ find, verify, cors: corsOptions }: AppParts): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  if (corsOptions !== false) {
    const allow = cors(corsOptions);
    // The answer to an upgrade is the socket itself: it has no headers to add to.
    app.use("/parties/*", (c, next) => (isUpgrade(c.req.raw) ? next() : allow(c, next)));
  }
  app.get("/health", (c) => c.json({ status: "ok" }));
  app.all("/parties/*", async (c) => {
    try {
      return await route(c.req.raw, c.env, { find, verify });
    } catch (thrown) {
      const error = toRoomError(thrown);
      if (error.code === "internal") logFailure(thrown);
      return refuse(c.req.raw, error);
    }
  });
  return app;
}

async function route(
  request: Request,
  env: Cloudflare.Env,
  { find, verify }: Pick<AppParts, "find" | "verify">,
): Promise<Response> {
  const url = new URL(request.url);
  const target = parseRoomUrl(url);
  const found = target && find(target.party, target.room);
  if (!target || !found) throw new RoomError("not_found", "There is no such room");
  const claims = await authenticate(request, url, env, found.room, verify);
  const name = objectName(target.party, target.room);
  return fetchObject((env as unknown as RoomBindings).ROOMS, name, forwardRequest(request, claims));
}

async function authenticate(
  request: Request,
  url: URL,
  env: Cloudflare.Env,
  room: AnyRoom,
  verify: Verify | undefined,
): Promise<Claims | null> {
  const token = readToken(request, url);
  if (token !== undefined && verify) return verify(token, env as unknown as Record<string, unknown>);
  if (room.compiled.settings.auth === "required") throw new RoomError("unauthenticated", "This room needs a token");
  return null;
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
