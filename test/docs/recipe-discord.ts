import { SignJWT } from "jose";
import { createRooms, defineRoom, jwt, signal, sync, users } from "../../src/index.ts";

class Player {
  name = sync(signal("?"));
}
export const activity = defineRoom({
  path: "activity-{instance}",
  auth: "required",
  state: () => ({ players: users(Player) }),
  onJoin: ({ user, auth }) => user.name.set(String(auth?.["name"])),
});
const rooms = createRooms({ rooms: [activity], auth: jwt({ secret: "AUTH_JWT_SECRET" }) });

interface Secrets {
  readonly DISCORD_CLIENT_ID: string;
  readonly DISCORD_CLIENT_SECRET: string;
  readonly AUTH_JWT_SECRET: string;
}

/** Makes a token for the rooms out of the code that Discord gave the page. */
rooms.app.post("/token", async (c) => {
  const env = c.env as unknown as Secrets;
  const { code } = await c.req.json<{ code: string }>();
  const body = new URLSearchParams({
    client_id: env.DISCORD_CLIENT_ID,
    client_secret: env.DISCORD_CLIENT_SECRET,
    grant_type: "authorization_code",
    code,
  });
  const granted = await fetch("https://discord.com/api/oauth2/token", { method: "POST", body });
  if (!granted.ok) return c.text("Discord does not know this code", 401);
  const { access_token } = await granted.json<{ access_token: string }>();
  const headers = { authorization: `Bearer ${access_token}` };
  const me = await (await fetch("https://discord.com/api/users/@me", { headers })).json<DiscordUser>();
  const token = await new SignJWT({ sub: `discord-${me.id}`, name: me.global_name ?? me.username })
    .setProtectedHeader({ alg: "HS256" })
    .setExpirationTime("12h")
    .sign(new TextEncoder().encode(env.AUTH_JWT_SECRET));
  return c.json({ access_token, token });
});

interface DiscordUser {
  readonly id: string;
  readonly username: string;
  readonly global_name: string | null;
}

export default rooms.app;
