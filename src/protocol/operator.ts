/**
 * The audience (`aud`) of operators' tokens. Claims such as `rooms` and `worlds` may mean something else in a user's
 * token, and both kinds are signed with the same secret.
 */
export const OPERATOR_AUDIENCE = "durable-rooms-operator";
