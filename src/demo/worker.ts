import { SignJWT } from "jose";
import { z } from "zod";
import { createRooms } from "../index.ts";
import { gameRoom } from "./game-room.ts";

const rooms = createRooms({ rooms: [gameRoom], auth: { secret: "AUTH_JWT_SECRET" } });

export class RoomObject extends rooms.RoomObject {}

const Login = z.object({ name: z.string().trim().min(1).max(24) });
const MIN_SECRET_BYTES = 32;

// The demo believes whatever name you give it. A real service asks who you are first.
rooms.app.post("/login", async (c) => {
  const secret = new TextEncoder().encode(c.env.AUTH_JWT_SECRET ?? "");
  if (secret.length < MIN_SECRET_BYTES) return c.json({ error: "The service has no secret yet" }, 503);
  const login = Login.safeParse(await c.req.json().catch(() => undefined));
  if (!login.success) return c.json({ error: "A name has 1 to 24 characters" }, 400);
  const token = await new SignJWT({ name: login.data.name, sub: crypto.randomUUID() })
    .setProtectedHeader({ alg: "HS256" })
    .setIssuedAt()
    .setExpirationTime("12h")
    .sign(secret);
  return c.json({ token });
});

export default rooms.app;
