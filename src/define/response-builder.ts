/**
 * Builds a response. The methods for errors send `{ "error": message }` as JSON.
 *
 * @example
 * import type { ResponseBuilder } from "durable-rooms";
 * const answer = (res: ResponseBuilder, score?: number) =>
 *   score === undefined ? res.notFound("There is no such player") : res.header("cache-control", "no-store").json({ score });
 */
export interface ResponseBuilder {
  /** Status 200 with a JSON body. Default body: `{ "success": true }`. */
  success(body?: unknown): Response;
  /** Status 400. `details` are further properties of the body. Default message: "Bad request". */
  badRequest(message?: string, details?: Record<string, unknown>): Response;
  /** Status 401. Default message: "Unauthorized". */
  unauthorized(message?: string): Response;
  /** Status 403. Default message: "Not permitted". */
  notPermitted(message?: string): Response;
  /** Status 404. Default message: "Not found". */
  notFound(message?: string): Response;
  /** Status 500. Default message: "Internal server error". */
  serverError(message?: string): Response;
  /** Sets the status of `json` and `text`. Default 200. */
  status(code: number): ResponseBuilder;
  /** Adds a header to the response. */
  header(name: string, value: string): ResponseBuilder;
  /** Sends a value as JSON. */
  json(body: unknown): Response;
  /** Sends text as `text/plain`. */
  text(body: string): Response;
  /** Redirects to a URL. Default status 302. */
  redirect(url: string, status?: 301 | 302 | 303 | 307 | 308): Response;
}
