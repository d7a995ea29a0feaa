import type { RouteMatch, RouteTable } from "../define/routes.ts";
import type { Claims, GuardContext, GuardFor, RoomHandle } from "../define/types.ts";
import { CODES } from "../protocol/codes.ts";
import { hasHostileKey } from "../protocol/decode.ts";
import { RoomError, toRoomError } from "../protocol/errors.ts";
import { decode } from "../protocol/urls.ts";
import { readText } from "./body.ts";
import { passes } from "./guards.ts";
import { createResponses, toResponse } from "./response.ts";
import { parseInput } from "./validation.ts";

/** What answering a request needs of the room. */
export interface RequestScope {
  /** The path inside the room, as it was sent. */
  readonly path: string;
  readonly auth: Claims | null;
  readonly state: object;
  readonly room: RoomHandle;
  readonly roomGuards: readonly GuardFor<object>[];
  readonly maxBodyBytes: number;
  /** Runs the developer's code, as one turn. */
  run<T>(code: () => T): T;
  /** Told of what was thrown and is no answer. */
  onFailure(error: unknown): void;
}

type Found = Extract<RouteMatch, { kind: "found" }>;

/**
 * Answers an HTTP request to a room: the room's guards, then the body, then the route's guards, which get the
 * parsed body, then the handler. Never rejects.
 */
export async function answerRequest(routes: RouteTable, request: Request, scope: RequestScope): Promise<Response> {
  const match = routes.match(request.method, scope.path);
  const response = await answerMatch(match, request, scope).catch((thrown: unknown) => refuse(thrown, scope));
  return request.method === "HEAD" ? new Response(null, response) : response;
}

async function answerMatch(match: RouteMatch, request: Request, scope: RequestScope): Promise<Response> {
  switch (match.kind) {
    case "unknown path":
      return createResponses().notFound();
    case "wrong method":
      return createResponses()
        .status(405)
        .header("allow", match.allowed.join(", "))
        .json({ error: "Method not allowed" });
    case "found":
      return answerFound(match, request, scope);
  }
}

async function answerFound(
  { route, params: encoded }: Found,
  request: Request,
  scope: RequestScope,
): Promise<Response> {
  const { auth, state, room } = scope;
  const params = decodeParams(encoded);
  const context: GuardContext<object> = { conn: undefined, auth, request, state, room };
  const entry = await scope.run(() => passes(scope.roomGuards, context, undefined));
  if (entry !== true) return deny(entry);
  const body =
    route.body === undefined ? undefined : await parseInput(route.body, await readJson(request, scope.maxBodyBytes));
  const verdict = await scope.run(() => passes(route.guards ?? [], context, body));
  if (verdict !== true) return deny(verdict);
  const query = new URL(request.url).searchParams;
  const res = createResponses();
  return toResponse(await scope.run(() => route.run({ request, auth, params, query, body: body, res, state, room })));
}

function deny(verdict: false | Response): Response {
  return verdict instanceof Response ? verdict : createResponses().notPermitted();
}

function refuse(thrown: unknown, scope: RequestScope): Response {
  const error = toRoomError(thrown);
  if (error.code === "internal") scope.onFailure(thrown);
  const { code, message, issues } = error;
  return createResponses().status(CODES[code].status).json({ error: message, code, issues });
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
  const text = await readText(request, limit);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new RoomError("bad_message", "The body is not valid JSON", { cause });
  }
  if (hasHostileKey(value))
    throw new RoomError("bad_message", "The body holds a reserved key, or is nested too deeply");
  return value;
}
