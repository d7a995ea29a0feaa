import { signal } from "@signe/reactive";
import { overviewOf } from "../../../src/platform/object-report.ts";
import { createRooms } from "../../../src/app/create-rooms.ts";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { connected, sync } from "../../../src/state/fields.ts";

/** A player of a game with a profile: about 400 bytes. */
class Player {
  online = connected();
  x = sync(signal(0));
  y = sync(signal(0));
  profile = sync(signal("x".repeat(300)));
}

const room = defineRoom({
  path: "storm-{id}",
  joinRate: { joins: 1e6, per: 1 },
  requestRate: { requests: 1e6, per: 1 },
  state: () => ({ players: users(Player), count: sync(signal(0)) }),
  actions: { count: { run: ({ state }) => state.count.update((count) => count + 1) } },
});

const rooms = createRooms({ rooms: [room] });
export class RoomObject extends rooms.RoomObject {
  /** Aborts the object, as a crash or a deploy does: its memory is lost and its sockets close. */
  override async fetch(request: Request): Promise<Response> {
    if (request.url.endsWith("/report")) return Response.json(overviewOf(this.core.parts));
    if (!request.url.endsWith("/die")) return super.fetch(request);
    this.ctx.abort("the benchmark ends it");
    return new Response();
  }
}
export default rooms.app;
