import { SignJWT } from "jose";
import { createRooms, jwt } from "../../src/index.ts";
import { casino } from "./guide-guards.ts";

const rooms = createRooms({ rooms: [casino], auth: jwt({ secret: "AUTH_JWT_SECRET" }) });

// Put your own check of who they are here.
rooms.app.post("/login", async (c) => {
  const { name } = await c.req.json<{ name: string }>();
  const token = await new SignJWT({ sub: name, age: 21 })
    .setProtectedHeader({ alg: "HS256" })
    .setExpirationTime("12h")
    .sign(new TextEncoder().encode(c.env.AUTH_JWT_SECRET));
  return c.json({ token });
});

export default rooms.app;
