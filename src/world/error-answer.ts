/** The answer of a World that refuses a request: its status, and its body. */
export interface ErrorAnswer {
  readonly status: 400 | 401 | 404 | 503;
  readonly error: string;
  /** Set where asking again does not help. */
  readonly code?: "not_found";
  readonly details?: unknown;
}
