/** Try again later: the client waits for minutes. https://www.iana.org/assignments/websocket/websocket.xhtml */
export const TRY_LATER = 1013;
/** The room was destroyed. */
export const DESTROYED = 4410;
/** The other side sent something that does not follow the protocol. */
export const BAD_MESSAGE = 4400;

/**
 * The table of error codes: the close code of a WebSocket, the status of an HTTP response, and whether a client
 * reconnects by itself.
 */
export const CODES = {
  bad_message: { close: BAD_MESSAGE, status: 400, retry: false },
  unknown_action: { close: 4400, status: 404, retry: false },
  invalid_input: { close: 4400, status: 400, retry: false },
  unauthenticated: { close: 4401, status: 401, retry: false },
  forbidden: { close: 4403, status: 403, retry: false },
  not_found: { close: 4404, status: 404, retry: false },
  message_too_large: { close: 1009, status: 413, retry: false },
  destroyed: { close: DESTROYED, status: 410, retry: false },
  rate_limited: { close: 4429, status: 429, retry: false },
  room_full: { close: 4503, status: 503, retry: true },
  too_slow: { close: 4504, status: 503, retry: true },
  timeout: { close: 4408, status: 504, retry: false },
  over_quota: { close: TRY_LATER, status: 503, retry: true },
  internal: { close: 1011, status: 500, retry: true },
} as const;

/** The code of a refusal. It is the same on WebSockets and over HTTP. */
export type ErrorCode = keyof typeof CODES;

/** Service restart: the client reconnects at once. */
export const RESTART = 1012;
