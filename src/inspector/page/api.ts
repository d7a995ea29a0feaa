const KEY = "durable-rooms.inspector.token";

/** The error of a request that failed. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The operator's token. It lives as long as the tab, and is sent only in a header. */
export const session = {
  get token(): string {
    return sessionStorage.getItem(KEY) ?? "";
  },
  set token(token: string) {
    if (token) sessionStorage.setItem(KEY, token);
    else sessionStorage.removeItem(KEY);
  },
};

/** The URL of the service. The page may be below a path of another app. */
export const BASE = location.origin + location.pathname.replace(/\/inspector\/?$/, "");

/**
 * Sends an operator's request to the service. @param path inside of the service @throws ApiError with the service's
 * message
 */
export async function ask<T>(path: string, body?: unknown, method = body === undefined ? "GET" : "POST"): Promise<T> {
  const { token } = session;
  const response = await send(path, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw new ApiError(response.status, messageOf(answer) ?? `The service answered ${response.status}`);
  return answer as T;
}

/** The path of an object of the service. */
export function pathOf(party: string, room: string): string {
  return `/parties/${party}/${encodeURIComponent(room)}`;
}

async function send(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(BASE + path, { ...init, cache: "no-store", credentials: "omit", redirect: "error" });
  } catch {
    throw new ApiError(0, "The service cannot be reached");
  }
}

function messageOf(answer: unknown): string | undefined {
  const { error } = (answer ?? {}) as { error?: unknown };
  return typeof error === "string" ? error : undefined;
}
