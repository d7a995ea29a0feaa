/** Helpers that build a response. Those for errors answer with `{ "error": message }`. */
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
  /** Sets the status of responses that are built afterwards. */
  status(code: number): ResponseBuilder;
  /** Adds a header to responses that are built afterwards. */
  header(name: string, value: string): ResponseBuilder;
  json(body: unknown): Response;
  text(body: string): Response;
  redirect(url: string, status?: 301 | 302 | 303 | 307 | 308): Response;
}
