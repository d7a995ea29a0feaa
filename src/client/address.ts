import type { CommonOptions, WorldOptions } from "./options.ts";

/** Addresses of one's own machine and network, which have no certificates. */
const LOCAL =
  /^(localhost|127\.0\.0\.1|0\.0\.0\.0|192\.168\.\d+\.\d+|10\.\d+\.\d+\.\d+|172\.(1[6-9]|2\d|3[01])\.\d+\.\d+|\[::1\])([:/]|$)/;

/**
 * The origin of the service.
 * @returns its origin for requests, with the path below which it is mounted. For WebSockets, "http" has to be replaced
 * by "ws"
 */
export function originOf({ host, socket }: Pick<CommonOptions, "host" | "socket">): string {
  const [, scheme, rest = ""] = /^(?:(https?|wss?):\/\/)?(.*?)\/*$/.exec(host) ?? [];
  const chosen = socket?.protocol ?? scheme;
  const isPlain = chosen === undefined ? LOCAL.test(rest) || isOfPlainPage(rest) : chosen === "ws" || chosen === "http";
  return `http${isPlain ? "" : "s"}://${rest}`;
}

/** The URL of a World's route. */
export function worldUrl(options: Pick<WorldOptions, "host" | "socket" | "worldId">, route: string): string {
  return `${originOf(options)}/parties/world/${encodeURIComponent(options.worldId ?? "world-default")}/${route}`;
}

/** Servers and React Native have no page. */
const page = globalThis as {
  readonly location?: { readonly protocol?: string; readonly hostname?: string };
};

/**
 * Whether this page was loaded without TLS from the same host, for example by a name in the local network. Its port may
 * differ.
 */
function isOfPlainPage(rest: string): boolean {
  return isPlainPage() && hostnameOf(rest) === page.location?.hostname;
}

/** Whether this page was loaded without TLS. */
export function isPlainPage(): boolean {
  return page.location?.protocol === "http:";
}

function hostnameOf(rest: string): string {
  return rest.replace(/(:\d+)?(\/.*)?$/, "");
}
