/** Why a World refuses something: the status of the answer, and what to say. */
export interface Refusal {
  readonly status: 400 | 401 | 404 | 503;
  readonly error: string;
  /** There where asking again does not help. */
  readonly code?: "not_found";
  readonly details?: unknown;
}
