import type { RouteMatch } from "../../define/routes.ts";
import type { Claims, GuardContext, RoomAddress } from "../../define/types.ts";
import type { AddressLimit } from "../../platform/address-limit.ts";
import type { Clock } from "../../platform/ports.ts";
import { CODES } from "../../protocol/codes.ts";
import { QUOTA_WAIT } from "../../protocol/quota.ts";
import { parseValue } from "../../protocol/decode.ts";
import { RoomError } from "../../protocol/errors.ts";
import { decode } from "../../protocol/urls.ts";
import type { UnansweredBodies } from "./unanswered-bodies.ts";
import { readText } from "./request-body.ts";
import { passes } from "../handlers/guards.ts";
import type { Verdict } from "../handlers/guards.ts";
import type { Reporter } from "../handlers/reporter.ts";
import type { RoomContext } from "../handlers/room-context.ts";
import type { Turns } from "../timing/turns.ts";
import { createResponses, toResponse } from "./response.ts";
import { parseInput } from "../handlers/validation.ts";

/** The sender of a request. */
export interface Asker {
  readonly auth: Claims | null;
  /** The room that sent it, if a room did. */
  readonly caller: RoomAddress | undefined;
}

/** The parts of the room that answering a request needs. */
export interface RequestScope extends RoomContext {
  readonly clock: Clock;
  /** How many requests one address may send. */
  readonly requestLimit: AddressLimit;
  readonly turns: Turns;
  readonly reporter: Reporter;
  readonly bodies: UnansweredBodies;
}

type Found = Extract<RouteMatch, { kind: "found" }>;

/**
 * Answers an HTTP request to a room: runs the room's guards, parses the body, runs the route's guards with the parsed
 * body, and then the handler. Never rejects.
 * @param path inside the room, not decoded
 */
export async function answerRequest(
  request: Request,
  path: string,
  who: Asker,
  scope: RequestScope,
): Promise<Response> {
  const wait = scope.requestLimit.wait(request.headers, scope.clock.now());
  if (wait > 0) return refuseForNow(wait, scope);
  const match = scope.compiled.routes.match(request.method, path);
  const about = match.kind === "found" ? { action: match.key } : {};
  const response = await answerMatch(match, request, who, scope).catch((thrown: unknown) =>
    refuse(thrown, scope, about),
  );
  return request.method === "HEAD" ? new Response(null, response) : response;
}

/** @param wait after how many ms to try again */
function refuseForNow(wait: number, scope: RequestScope): Response {
  const response = refuse(new RoomError("rate_limited", "Too many requests. Try again later"), scope, {});
  response.headers.set("retry-after", String(Math.ceil(wait / 1000)));
  return response;
}

async function answerMatch(match: RouteMatch, request: Request, who: Asker, scope: RequestScope): Promise<Response> {
  switch (match.kind) {
    case "unknown path":
      return createResponses().notFound();
    case "wrong method":
      return createResponses()
        .status(405)
        .header("allow", match.allowed.join(", "))
        .json({ error: "Method not allowed" });
    case "found":
      return answerFound(match, request, who, scope);
  }
}

async function answerFound(found: Found, request: Request, who: Asker, scope: RequestScope): Promise<Response> {
  if (!found.route.body) return answerRoute(found, request, who, scope);
  const { maxMessageBytes } = scope.compiled.settings;
  return scope.bodies.during(request, maxMessageBytes, () => answerRoute(found, request, who, scope));
}

async function answerRoute(
  { key, route, params: encoded }: Found,
  request: Request,
  who: Asker,
  scope: RequestScope,
): Promise<Response> {
  const { compiled, state, room, turns } = scope;
  const params = decodeParams(encoded);
  const context: GuardContext<object> = {
    conn: undefined,
    ...who,
    request,
    join: undefined,
    isSpectator: false,
    state,
    room,
  };
  const entry = await turns.run(() => passes(compiled.definition.guards ?? [], context, undefined));
  if (entry !== true) return deny(entry, scope, key);
  const { maxMessageBytes } = compiled.settings;
  const body = route.body && (await parseInput(route.body, await readJson(request, maxMessageBytes)));
  const verdict = await turns.run(() => passes(route.guards ?? [], context, body));
  if (verdict !== true) return deny(verdict, scope, key);
  const query = new URL(request.url).searchParams;
  const res = createResponses();
  return toResponse(await turns.run(() => route.run({ request, ...who, params, query, body: body, res, state, room })));
}

function deny(verdict: Exclude<Verdict, true>, { reporter }: RequestScope, action: string): Response {
  if (verdict instanceof Response) return verdict;
  reporter.refused({ code: "forbidden" }, { action });
  return createResponses().notPermitted();
}

function refuse(thrown: unknown, { reporter }: RequestScope, about: { action?: string }): Response {
  const { code, message, issues } = reporter.thrown("request_failed", thrown, about);
  const res = createResponses().status(CODES[code].status);
  if (code === "over_quota") res.header("retry-after", String(QUOTA_WAIT));
  return res.json({ error: message, code, issues });
}

function decodeParams(encoded: Readonly<Record<string, string>>): Record<string, string> {
  const params: Record<string, string> = {};
  for (const [name, value] of Object.entries(encoded)) {
    const decoded = decode(value);
    if (decoded === undefined) throw new RoomError("bad_message", "The path is not encoded properly");
    params[name] = decoded;
  }
  return params;
}

async function readJson(request: Request, limit: number): Promise<unknown> {
  return parseValue(await readText(request, limit), "The body");
}
