import type { Context } from "hono";
import { routePath } from "hono/route";
import type { AppEnv } from "./inspector.ts";

/** The route of rooms. */
export const ROOM_ROUTE = "/parties/*";

/**
 * The path of a request inside of the service's app, which may be part of another app: `app.route("/game", rooms.app)`.
 * Hono's `c.req.path` is partly decoded, so only its segments are counted.
 */
export function pathInside(c: Context<AppEnv>, { pathname }: Pick<URL, "pathname">): string {
  // Includes the prefix of the other app.
  const route = routePath(c);
  if (route === ROOM_ROUTE) return pathname;
  const base = route.split("/").length - ROOM_ROUTE.split("/").length;
  const depth = c.req.path.split("/").length - 1 - base;
  return `/${pathname.split("/").slice(-depth).join("/")}`;
}

/** The request without the prefix of another app. @param url the URL of the request, which is changed */
export function requestInside(c: Context<AppEnv>, url: URL): Request {
  const path = pathInside(c, url);
  if (path === url.pathname) return c.req.raw;
  url.pathname = path;
  return new Request(url, c.req.raw);
}
