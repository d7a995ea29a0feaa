import { isPlainPage } from "./address.ts";
import { ConnectError } from "./errors.ts";
import type { CommonOptions } from "./options.ts";
import { NO_ANSWER, RENEWED } from "./web-socket.ts";

const ROOM_FULL = 4503;

/** The text of a close code, with its reason if there is one. */
export function refusalText(code: number, reason: string): string {
  return `The room closed the connection with ${code}${reason && `: ${reason}`}`;
}

/**
 * Why an attempt to connect ended before the room accepted the client.
 * @param origin the one that `host` stands for
 */
export function connectFailure(
  code: number,
  reason: string,
  origin: string,
  { host, socket }: CommonOptions,
): ConnectError {
  if (code === ROOM_FULL) return new ConnectError("room_full", reason);
  if (code !== NO_ANSWER && code !== RENEWED) return new ConnectError("refused", refusalText(code, reason));
  const isGuessed = origin === `https://${host}` && !socket?.protocol;
  if (isGuessed && isPlainPage())
    return new ConnectError("wrong_scheme", `${origin} does not answer. If it has no TLS, use host: "http://${host}"`);
  return new ConnectError("no_answer", `${origin} does not answer`);
}
