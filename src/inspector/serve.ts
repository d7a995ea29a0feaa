import type { Hono } from "hono/tiny";
import type { AppEnv, Inspectable } from "../app/inspector.ts";
import { readToken } from "../auth/verify.ts";
import { CODES } from "../protocol/codes.ts";
import { RoomError, toRoomError } from "../protocol/errors.ts";
import { guest, isOperator, isOpen } from "./access.ts";
import { html, script, style } from "./assets.ts";
import type { ServiceView } from "./types.ts";

/**
 * The page loads only its own files, sends requests only to its own service, and does not convert text to HTML. It
 * cannot be framed.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");
const HEADERS = {
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  // It is part of the Worker, and changes with it.
  "cache-control": "no-cache",
};
const FILES: Readonly<Record<string, readonly [type: string, text: string]>> = {
  "/inspector": ["text/html", html],
  "/inspector/main.js": ["text/javascript", script],
  "/inspector/style.css": ["text/css", style],
};

/** Adds the page to the service, and the route for its first request. */
export function serve(app: Hono<AppEnv>, service: Inspectable): void {
  for (const [path, [type, text]] of Object.entries(FILES)) {
    app.get(path, () => new Response(text, { headers: { ...HEADERS, "content-type": `${type}; charset=utf-8` } }));
  }
  app.get("/inspector/service", async (c) => {
    try {
      return c.json(await view(c.req.raw, c.env, service), 200, { "cache-control": "no-store" });
    } catch (thrown) {
      const { code, message } = toRoomError(thrown);
      return Response.json({ error: message, code }, { status: CODES[code].status });
    }
  });
}

async function view(request: Request, env: object, { config, world, operator }: Inspectable): Promise<ServiceView> {
  const token = readToken(request, new URL(request.url));
  const auth = token === undefined ? guest(request, env) : await operator(token, env as Record<string, unknown>);
  if (!auth) throw new RoomError("unauthenticated", "This needs an operator's token");
  if (!isOperator(auth)) throw new RoomError("forbidden", "This is not an operator's token");
  const { rooms = [], parties = {} } = config;
  const all = Object.entries({ ...(rooms.length > 0 && { main: rooms }), ...parties });
  return {
    rooms: all.flatMap(([party, list]) => list.map(({ path }) => ({ party, path }))),
    worlds: world && (world.ids ?? null),
    isOpen: isOpen(env),
  };
}
