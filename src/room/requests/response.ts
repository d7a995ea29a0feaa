import type { ResponseBuilder } from "../../define/types.ts";
import { toPlain } from "../../state/to-plain.ts";

/** Makes the response builder of one request. `status` and `header` apply to later responses. */
export function createResponses(): ResponseBuilder {
  const headers = new Headers();
  let status = 200;
  const json = (body: unknown, code = status): Response =>
    new Response(JSON.stringify(toPlain(body) ?? null), {
      status: code,
      headers: withType(headers, "application/json"),
    });
  const fail = (code: number, error: string, details?: Record<string, unknown>): Response =>
    json({ error, ...details }, code);
  const builder: ResponseBuilder = {
    success: (body = { success: true }) => json(body),
    badRequest: (message = "Bad request", details) => fail(400, message, details),
    unauthorized: (message = "Unauthorized") => fail(401, message),
    notPermitted: (message = "Not permitted") => fail(403, message),
    notFound: (message = "Not found") => fail(404, message),
    serverError: (message = "Internal server error") => fail(500, message),
    status(code) {
      status = code;
      return builder;
    },
    header(name, value) {
      headers.append(name, value);
      return builder;
    },
    json: (body) => json(body),
    text: (body) => new Response(body, { status, headers: withType(headers, "text/plain; charset=utf-8") }),
    redirect(url, code = 302) {
      const response = new Response(null, { status: code, headers });
      response.headers.set("location", url);
      return response;
    },
  };
  return builder;
}

function withType(given: Headers, type: string): Headers {
  const headers = new Headers(given);
  if (!headers.has("content-type")) headers.set("content-type", type);
  return headers;
}

/**
 * Makes a response from a handler's result: a Response is returned unchanged, text as text, undefined as 204, any other
 * value as JSON.
 */
export function toResponse(result: unknown): Response {
  if (result instanceof Response) return result;
  if (result === undefined) return new Response(null, { status: 204 });
  return typeof result === "string" ? createResponses().text(result) : createResponses().json(result);
}
