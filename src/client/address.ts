import type { CommonOptions, WorldOptions } from "./options.ts";

/** Addresses of one's own machine and network, which have no certificates. */
const LOCAL = /^(localhost|\[::1\]|((127|10)\.\d+|0\.0|192\.168|172\.(1[6-9]|2\d|3[01]))\.\d+\.\d+)([:/]|$)/;

const ADDRESS = /^(?:(https?|wss?):\/\/)?(.*?)\/*$/;

/**
 * The origin of the service.
 * @returns its origin for requests, with the path below which it is mounted. For WebSockets, "http" has to be replaced
 * by "ws"
 * @throws TypeError if there is no host
 */
export function originOf({ host, socket }: Partial<Pick<CommonOptions, "host" | "socket">>): string {
  const [, scheme, rest] = ADDRESS.exec(host ?? "") ?? [];
  if (!rest) throw new TypeError("host is missing");
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
  return isPlainPage() && rest.replace(/(:\d+)?(\/.*)?$/, "") === page.location?.hostname;
}

/** Whether this page was loaded without TLS. */
export function isPlainPage(): boolean {
  return page.location?.protocol === "http:";
}
