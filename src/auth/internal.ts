import type { Claims } from "../define/types.ts";

/** Headers of this prefix are the service's own: whatever a client sends under it is removed. */
const PREFIX = "x-durable-rooms-";
const AUTH = `${PREFIX}auth`;
/** What a request carries for the Worker only. */
const WORKER_HEADERS = ["authorization", "x-access-shard"];
const WORKER_PARAMETERS = ["token", "world-auth-token"];

/**
 * The request that goes on to a Durable Object: without credentials, and with what the Worker verified.
 * @param keep credentials that the object checks itself
 */
export function forwardRequest(request: Request, claims: Claims | null, keep: readonly string[] = []): Request {
  const url = new URL(request.url);
  // Deleting writes the whole query anew, so that `?flag&q=a%20b` would reach the room as `?flag=&q=a+b`.
  for (const name of WORKER_PARAMETERS) if (url.searchParams.has(name)) url.searchParams.delete(name);
  const headers = withoutInternal(request.headers);
  for (const name of WORKER_HEADERS) if (!keep.includes(name)) headers.delete(name);
  // A header holds ASCII only.
  if (claims) headers.set(AUTH, encodeURIComponent(JSON.stringify(claims)));
  return new Request(url, new Request(request, { headers }));
}

/** In the object: the client's own request, and the claims that the Worker verified. */
export function receiveRequest(request: Request): { request: Request; auth: Claims | null } {
  const claims = request.headers.get(AUTH);
  const auth = claims === null ? null : (JSON.parse(decodeURIComponent(claims)) as Claims);
  return { request: new Request(request, { headers: withoutInternal(request.headers) }), auth };
}

function withoutInternal(headers: Headers): Headers {
  return new Headers([...headers].filter(([name]) => !name.startsWith(PREFIX)));
}
