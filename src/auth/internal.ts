import type { Claims, RoomAddress } from "../define/types.ts";
import { offerOf, SUBPROTOCOL_HEADER } from "./subprotocol.ts";

/** Headers with this prefix belong to the service. They are removed from requests of clients. */
const PREFIX = "x-durable-rooms-";
const AUTH = `${PREFIX}auth`;
const SESSION = `${PREFIX}session`;
const CALLER = `${PREFIX}caller`;
/** Headers and parameters of a request that are only for the Worker. */
const WORKER_HEADERS = ["authorization", "x-access-shard"];
const WORKER_PARAMETERS = ["token", "world-auth-token"];
/**
 * The header and the parameter with a user's token. Without `auth` they belong to the app, and its guards read them.
 */
export const USER_TOKEN: readonly string[] = ["authorization", "token"];

/**
 * Makes the request for a Durable Object: without credentials, but with what the Worker verified.
 * @param keep headers and parameters with credentials that the object checks itself
 * @param url the URL of the request, if it was parsed already. Secrets in its query are removed
 */
export function forwardRequest(
  request: Request,
  claims: Claims | null,
  keep: readonly string[] = [],
  url = new URL(request.url),
): Request {
  const dropped = WORKER_HEADERS.filter((name) => !keep.includes(name) && request.headers.has(name));
  const isUrlClean = !removeCredentials(url, keep);
  const offer = offerOf(request.headers);
  const { body } = request;
  // Making a request is expensive, and most clients connect without anything to remove or add.
  if (!body && !claims && !offer && dropped.length === 0 && isUrlClean && !hasInternal(request.headers)) return request;
  const headers = withoutInternal(request.headers);
  for (const name of dropped) headers.delete(name);
  if (claims) write(headers, AUTH, JSON.stringify(claims));
  if (offer) headers.delete(SUBPROTOCOL_HEADER);
  if (offer?.sessionId !== undefined) write(headers, SESSION, offer.sessionId);
  if (body && (request.method === "GET" || request.method === "HEAD")) return withoutBody(request, body, headers, url);
  const own = new Request(request, body ? { headers, body: passOn(body) } : { headers });
  return isUrlClean ? own : new Request(url, own);
}

/** HTTP allows a body with GET and HEAD, but a `Request` with one cannot be made, and no route reads it. */
function withoutBody(request: Request, body: ReadableStream, headers: Headers, url: URL): Request {
  body.cancel().catch(() => {});
  headers.delete("content-length");
  headers.delete("content-type");
  const { method, signal, cf } = request;
  return new Request(url, { method, headers, signal, cf: cf as never });
}

/**
 * Makes a body that need not be read to its end. If the request's own body were forwarded, the runtime would continue
 * to read it after the response, and throw: "Can't read from request stream after response has been sent".
 */
function passOn(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const { readable, writable } = new IdentityTransformStream();
  // If the client disconnects, the reader gets the error.
  body.pipeTo(writable).catch(() => {});
  return readable;
}

/** Removes tokens from the query. @returns whether there were any */
function removeCredentials(url: URL, keep: readonly string[]): boolean {
  const names = WORKER_PARAMETERS.filter((name) => !keep.includes(name) && url.searchParams.has(name));
  // Deleting a parameter encodes the whole query again: `?flag&q=a%20b` would reach the room as `?flag=&q=a+b`.
  for (const name of names) url.searchParams.delete(name);
  return names.length > 0;
}

/** A client's request, and what the Worker verified about it. */
export interface ReceivedRequest {
  readonly request: Request;
  /** The verified claims. */
  readonly auth: Claims | null;
  /** The room that sent it. */
  readonly caller?: RoomAddress;
  /** The session id, if the client sent it as a subprotocol. */
  readonly sessionId?: string;
}

/**
 * Returns the client's request in the object, and reads the service's own headers: the verified claims, the session id
 * from a subprotocol, or the room that sends it. The Worker has removed such headers from requests of clients.
 */
export function receiveRequest(request: Request): ReceivedRequest {
  const [claims, session, caller] = [AUTH, SESSION, CALLER].map((name) => read(request.headers, name));
  if (claims === undefined && session === undefined && caller === undefined) return { request, auth: null };
  const own = new Request(request, { headers: withoutInternal(request.headers) });
  return {
    request: own,
    auth: claims === undefined ? null : (JSON.parse(claims) as Claims),
    ...(session !== undefined && { sessionId: session }),
    ...(caller !== undefined && { caller: JSON.parse(caller) as RoomAddress }),
  };
}

/**
 * Makes the request of one room to another: it has no claims, whatever its headers are, and names the room that sends
 * it.
 */
export function fromRoom(init: RequestInit = {}, caller: RoomAddress): RequestInit {
  const headers = withoutInternal(new Headers(init.headers));
  write(headers, CALLER, JSON.stringify(caller));
  return { ...init, headers };
}

/** A header can contain only ASCII. */
function write(headers: Headers, name: string, text: string): void {
  headers.set(name, encodeURIComponent(text));
}

function read(headers: Headers, name: string): string | undefined {
  const text = headers.get(name);
  return text === null ? undefined : decodeURIComponent(text);
}

function hasInternal(headers: Headers): boolean {
  for (const name of headers.keys()) if (name.startsWith(PREFIX)) return true;
  return false;
}

function withoutInternal(headers: Headers): Headers {
  return new Headers([...headers].filter(([name]) => !name.startsWith(PREFIX)));
}
