import { operatesWorld } from "../auth/access.ts";
import type { GuardContext } from "../define/types.ts";
import { RoomError } from "../protocol/errors.ts";
import { createResponses } from "../room/requests/response.ts";
import type { Log } from "../platform/log.ts";
import { logFailure } from "./log.ts";
import { SECRET_NAME } from "./settings.ts";

const SECRET_HEADER = "x-access-shard";

/**
 * The World's own guard: only operators may open a WebSocket. HTTP requests pass, since each route has its own guard.
 */
export function guardSockets({ auth, request, room }: GuardContext): boolean {
  if (request && request.headers.get("upgrade")?.toLowerCase() !== "websocket") return true;
  if (operatesWorld(auth, room.id)) return true;
  if (!auth) throw new RoomError("unauthenticated", "The registry needs an operator's token");
  return false;
}

/** A guard for requests of operators. */
export function operatorOnly({ auth, room }: GuardContext): true | Response {
  if (operatesWorld(auth, room.id)) return true;
  return deny(auth === null, 'This needs a token that lists this world in its claim "worlds"');
}

/** A guard for requests of operators, and of shards with the service's secret. */
export function operatorOrShard(log: Log): (context: GuardContext) => Promise<true | Response> {
  return async ({ auth, request, room }) => {
    if (operatesWorld(auth, room.id)) return true;
    const shown = request?.headers.get(SECRET_HEADER) || undefined;
    if (shown !== undefined && (await isSecret(shown, room, log))) return true;
    return deny(auth === null && shown === undefined, "This needs an operator's token, or the secret of the shards");
  };
}

function deny(isStranger: boolean, message: string): Response {
  return isStranger ? createResponses().unauthorized(message) : createResponses().notPermitted(message);
}

async function isSecret(shown: string, room: GuardContext["room"], log: Log): Promise<boolean> {
  const secret = (room.env as unknown as Record<string, unknown>)[SECRET_NAME];
  if (typeof secret === "string" && secret !== "") return isSame(shown, secret);
  const hint = `Set it with "wrangler secret put ${SECRET_NAME}": without it every shard is refused`;
  logFailure(log, "shard_secret_missing", room.id, { hint });
  return false;
}

/**
 * Compares two texts in a time that reveals neither where they differ nor the length of the secret: their hashes have
 * the same length, and all bytes are compared.
 */
async function isSame(a: string, b: string): Promise<boolean> {
  const [hashA, hashB] = await Promise.all([hash(a), hash(b)]);
  let difference = 0;
  for (const [index, byte] of hashA.entries()) difference |= byte ^ (hashB[index] ?? 0);
  return difference === 0;
}

async function hash(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
