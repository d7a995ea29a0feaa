/** Helpers that build an answer. The error ones answer `{ "error": message }`. */
export interface ResponseBuilder {
  /** 200, with this as JSON. */
  success(body?: unknown): Response;
  /** 400, with the details beside the message. */
  badRequest(message?: string, details?: Record<string, unknown>): Response;
  /** 401 */
  unauthorized(message?: string): Response;
  /** 403 */
  notPermitted(message?: string): Response;
  /** 404 */
  notFound(message?: string): Response;
  /** 500 */
  serverError(message?: string): Response;
  /** Sets the status of what follows. */
  status(code: number): ResponseBuilder;
  /** Sets a header of what follows. */
  header(name: string, value: string): ResponseBuilder;
  json(body: unknown): Response;
  text(body: string): Response;
  redirect(url: string, status?: 301 | 302 | 303 | 307 | 308): Response;
}
