import type { Context } from "hono";
import { routePath } from "hono/route";
import type { AppEnv } from "./inspector.ts";

/** The route that leads to rooms. */
export const ROOM_ROUTE = "/parties/*";

/**
 * The path of a request inside the service's app, which may be a part of another one: `app.route("/game", rooms.app)`.
 * Hono's own `c.req.path` is decoded in part, so only its segments are counted.
 */
export function pathInside(c: Context<AppEnv>, { pathname }: Pick<URL, "pathname">): string {
  // With what comes before it in the other app.
  const route = routePath(c);
  if (route === ROOM_ROUTE) return pathname;
  const base = route.split("/").length - ROOM_ROUTE.split("/").length;
  const depth = c.req.path.split("/").length - 1 - base;
  return `/${pathname.split("/").slice(-depth).join("/")}`;
}

/** The request as it would be if the app were not a part of another one. @param url the request's own; it is changed */
export function requestInside(c: Context<AppEnv>, url: URL): Request {
  const path = pathInside(c, url);
  if (path === url.pathname) return c.req.raw;
  url.pathname = path;
  return new Request(url, c.req.raw);
}
