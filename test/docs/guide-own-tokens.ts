import { Hono } from "hono";
import { createRooms, defineRoom, signal, sync } from "../../src/index.ts";

async function isMember(token: string, roomId: string): Promise<boolean> {
  return token === `Bearer member of ${roomId}`;
}

export const members = defineRoom({
  path: "members-{id}",
  state: () => ({ notice: sync(signal("")) }),
  guards: [
    ({ request, room }) => {
      if (!request) return true; // a message of somebody who was let in
      const token = request.headers.get("authorization") ?? new URL(request.url).searchParams.get("token");
      return token !== null && isMember(token, room.id); // your own check
    },
  ],
});

const rooms = createRooms({ rooms: [members] });

const app = new Hono();
app.get("/", (c) => c.text("My game"));
app.route("/game", rooms.app);
export default app;
