import { env } from "cloudflare:workers";
import { forwardRequest } from "../auth/internal.ts";
import type { Claims } from "../define/types.ts";
import { TestClient } from "./client.ts";
import type { TestScope } from "./client.ts";
import { ObjectUnderTest } from "./object-under-test.ts";
import type { Caller, ClientOptions } from "./types.ts";

/** Where requests of tests come from and go to. No other service is there. */
export const ORIGIN = "http://rooms.test";

/**
 * Asks an object of the service: through the Worker, or with claims, as the Worker passes a request on whose token it has
 * verified.
 */
export async function ask(
  { service, party, id, stub }: ObjectUnderTest,
  path: string,
  { auth, token, ...init }: RequestInit & Caller,
): Promise<Response> {
  const request = new Request(`${ORIGIN}/parties/${party}/${encodeURIComponent(id)}${path}`, init);
  if (token !== undefined) request.headers.set("authorization", `Bearer ${token}`);
  if (!auth || token !== undefined) return service.app.request(request, undefined, env);
  return stub.fetch(forwardRequest(request, auth));
}

/**
 * Connects a client to a room, or to the shard of it that a World names.
 * @throws Error if the answer is no socket, or the World has no shard
 */
export async function connect(
  room: ObjectUnderTest,
  options: ClientOptions & { readonly auth: Claims | null },
  scope: TestScope,
): Promise<TestClient> {
  const { id: sessionId = crypto.randomUUID(), auth, token, headers, query, params, spectator, world } = options;
  const transferToken = options.transferToken ?? query?.["transferToken"];
  const parameters = new URLSearchParams({
    ...(params !== undefined && { params: JSON.stringify(params) }),
    ...(spectator && { spectator: "1" }),
    ...query,
    ...(transferToken !== undefined && { transferToken }),
    // The token says whose it is.
    ...((transferToken === undefined || options.id !== undefined) && { id: sessionId }),
  });
  const caller = token === undefined ? { auth } : { token };
  const shardId = world === undefined ? undefined : await findShard(room, world, caller);
  const target = shardId === undefined ? room : new ObjectUnderTest(room.service, "shard", shardId);
  const init = { ...caller, headers: { ...headers, upgrade: "websocket" } };
  const response = await ask(target, `?${parameters.toString()}`, init);
  if (!response.webSocket) throw new Error(`The answer has no WebSocket: ${await response.text()}`);
  return new TestClient(response.webSocket, { sessionId, auth, isSpectator: spectator === true, shardId }, scope);
}

async function findShard({ service, id }: ObjectUnderTest, world: string, caller: Caller): Promise<string> {
  const init = { method: "POST", body: JSON.stringify({ roomId: id, autoCreate: true }), ...caller };
  const response = await ask(new ObjectUnderTest(service, "world", world), "/connect", init);
  return (await answerOf<{ shardId: string }>(response)).shardId;
}

/** The answer of a World. @throws Error with its status, if it says no */
export async function answerOf<T>(response: Response): Promise<T> {
  const answer: unknown = await response.json();
  if (response.ok) return answer as T;
  const { error } = answer as { readonly error?: string };
  throw Object.assign(new Error(error ?? `The World answered ${response.status}`), { status: response.status });
}
