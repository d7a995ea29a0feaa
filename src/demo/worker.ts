import { bodyLimit } from "hono/body-limit";
import { SignJWT } from "jose";
import type { JWTPayload } from "jose";
import * as z from "zod";
import { createRooms, jwt } from "../index.ts";
import { worlds } from "../worlds.ts";
import { inspector } from "../inspector/index.ts";
import { crowdRoom } from "./crowd-room.ts";
import { gameRoom, playerName } from "./game-room.ts";

const WORLD = "world-default";
const rooms = createRooms({
  rooms: [gameRoom, crowdRoom],
  auth: jwt({ secret: "AUTH_JWT_SECRET" }),
  // Small shards, so that a few players fill one.
  world: worlds({ ids: [WORLD], shardCapacity: 4 }),
  inspector,
});

const MIN_SECRET_BYTES = 32;
const NO_SECRET = `AUTH_JWT_SECRET is missing or has less than ${MIN_SECRET_BYTES} bytes: set it with "wrangler secret put AUTH_JWT_SECRET"`;
const login = z.object({ name: playerName });

// Everyone gets a token for a name of their choice. Replace this with your own authentication.
rooms.app.post("/login", bodyLimit({ maxSize: 1024 }), async (c) => {
  const secret = readSecret(c.env);
  if (!secret) return c.json({ error: NO_SECRET }, 503);
  const body = login.safeParse(await c.req.json().catch(() => undefined));
  if (!body.success) {
    const issues = body.error.issues.map(({ path, message }) => ({ path, message }));
    return c.json({ error: issues[0]?.message ?? "The name is not valid", issues }, 400);
  }
  const { name } = body.data;
  const token = await sign({ name, sub: crypto.randomUUID() }, "12h", secret);
  return c.json({ token, name });
});

interface Shard {
  readonly id: string;
  readonly roomId: string;
  readonly connections: number;
  readonly capacity: number;
  readonly status: string;
  /** Where it runs, if that is known. */
  readonly hint: string | null;
}

// How full a room's shards are. The World tells operators only, so the page asks here.
rooms.app.get("/shards", async (c) => {
  const secret = readSecret(c.env);
  if (!secret) return c.json({ error: NO_SECRET }, 503);
  const headers = {
    authorization: `Bearer ${await sign({ aud: "durable-rooms-operator", worlds: [WORLD] }, "1m", secret)}`,
  };
  const answer = await rooms.app.request(`/parties/world/${WORLD}/registry`, { headers }, c.env);
  if (!answer.ok) return c.json({ error: "The World cannot be asked" }, 503);
  const { shards } = await answer.json<{ shards: readonly Shard[] }>();
  return c.json({
    shards: shards
      .filter(({ roomId }) => roomId === c.req.query("room"))
      .map(({ id, connections, capacity, status, hint }) => ({ id, connections, capacity, status, hint })),
  });
});

function readSecret(env: Cloudflare.Env): Uint8Array | undefined {
  const secret = new TextEncoder().encode(env.AUTH_JWT_SECRET ?? "");
  return secret.length < MIN_SECRET_BYTES ? undefined : secret;
}

function sign(claims: JWTPayload, lifetime: string, secret: Uint8Array): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: "HS256" })
    .setIssuedAt()
    .setExpirationTime(lifetime)
    .sign(secret);
}

export class RoomObject extends rooms.RoomObject {}
export class WorldObject extends rooms.WorldObject {}
export class ShardObject extends rooms.ShardObject {}
export default rooms.app;
