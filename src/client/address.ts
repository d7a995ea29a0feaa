import type { CommonOptions } from "./options.ts";

/** Hosts of one's own machine and network, which have no certificates. */
const LOCAL =
  /^(localhost|127\.0\.0\.1|192\.168\.\d+\.\d+|10\.\d+\.\d+\.\d+|172\.(1[6-9]|2\d|3[01])\.\d+\.\d+|\[::1\])([:/]|$)/;

/**
 * Where the service is.
 * @returns its origin for requests, with the path that it is below, if any; for sockets "http" has to become "ws"
 */
export function originOf({ host, socket }: Pick<CommonOptions, "host" | "socket">): string {
  const [, scheme, rest = ""] = /^(?:(https?|wss?):\/\/)?(.*?)\/*$/.exec(host) ?? [];
  const chosen = socket?.protocol ?? scheme;
  const isPlain = chosen === undefined ? LOCAL.test(rest) : chosen === "ws" || chosen === "http";
  return `http${isPlain ? "" : "s"}://${rest}`;
}
