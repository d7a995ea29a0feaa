import { PatternRouter } from "hono/router/pattern-router";
import { isHostileKey } from "../protocol/values.ts";
import { schemaProblem } from "./schemas.ts";
import type { Route } from "./types.ts";

export type AnyRoute = Route<object, string, unknown>;

/** The result of looking up a method and a path. */
export type RouteMatch =
  | {
      readonly kind: "found";
      /** The route as it was declared: `"GET /players/:id"`. */
      readonly key: string;
      readonly route: AnyRoute;
      readonly params: Readonly<Record<string, string>>;
    }
  | { readonly kind: "wrong method"; readonly allowed: readonly string[] }
  | { readonly kind: "unknown path" };

/** The routes of a definition. */
export interface RouteTable {
  match(method: string, path: string): RouteMatch;
}

type Entry = Pick<Extract<RouteMatch, { kind: "found" }>, "key" | "route">;

const KNOWN = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Builds the routes of a definition. */
export function compileRoutes(routes: Readonly<Record<string, AnyRoute>>): RouteTable {
  const router = new PatternRouter<Entry>();
  const methods = new Set<string>();
  for (const [key, route] of Object.entries(routes)) {
    const [method, path] = key.split(" ") as [string, string];
    methods.add(method);
    router.add(method, path, { key, route });
  }
  return {
    match(method, path) {
      const found = find(router, method, path) ?? (method === "HEAD" ? find(router, "GET", path) : undefined);
      if (found) return { kind: "found", ...found };
      const allowed = [...methods].filter((other) => find(router, other, path));
      if (allowed.includes("GET") && !allowed.includes("HEAD")) allowed.push("HEAD");
      return allowed.length > 0 ? { kind: "wrong method", allowed } : { kind: "unknown path" };
    },
  };
}

/** @throws Error that names the route, if one is malformed or exists twice */
export function checkRoutes(routes: Readonly<Record<string, AnyRoute>>): void {
  const seen = new Set<string>();
  for (const [key, route] of Object.entries(routes)) {
    const [method, path] = checkKey(key);
    if (path.startsWith("/$")) throw new Error(`The request "${key}" begins with "/$", which is reserved`);
    if (typeof route?.run !== "function") throw new Error(`The request "${key}" needs a run function`);
    const problem = schemaProblem(route.body, "a body");
    if (problem) throw new Error(`The request "${key}" ${problem}`);
    const form = `${method} ${path.replace(/:\w+/g, ":")}`;
    if (seen.has(form)) throw new Error(`Two requests match "${key}"`);
    seen.add(form);
  }
}

function checkKey(key: string): [method: string, path: string] {
  const [method, path, ...rest] = key.split(" ");
  if (method === undefined || !KNOWN.has(method) || !path?.startsWith("/") || rest.length > 0) {
    throw new Error(`The request "${key}" has to be a method and a path, such as "GET /players/:id"`);
  }
  const hostile = path.match(/:(\w+)/g)?.find((name) => isHostileKey(name.slice(1)));
  if (hostile) throw new Error(`The request "${key}" has a parameter with the reserved name ${hostile}`);
  return [method, path];
}

/**
 * Hono's router, which every Worker contains for the service's own app, ignores a slash at the end of a path. Here such
 * a path is another one.
 */
function find(router: PatternRouter<Entry>, method: string, path: string) {
  const [matches] = router.match(method, path);
  const isSlashed = path !== "/" && path.endsWith("/");
  const isSame = ([{ key }]: readonly [Entry, unknown]) => !isSlashed || key.endsWith("*") || key.endsWith("/");
  const found = (matches as [Entry, Record<string, string>][]).find(isSame);
  return found && { ...found[0], params: { ...found[1] } };
}
