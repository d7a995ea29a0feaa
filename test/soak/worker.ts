import { signal } from "@signe/reactive";
import * as z from "zod";
import {
  collection,
  connected,
  createRooms,
  defineRoom,
  jwt,
  persist,
  RoomError,
  sync,
  users,
  transfers,
} from "../../src/index.ts";
import { overviewOf } from "../../src/platform/object-report.ts";
import { worlds } from "../../src/worlds.ts";

const LARGE = "x".repeat(200_000);

class Player {
  online = connected();
  notes = persist(signal(""));
  hand = sync(signal("nothing"), { visibleTo: "owner" });
}
const thing = () => ({ text: sync(signal("")) });
const MOST_THINGS = 50;

/** A room whose actions store much, and return much. */
const soaked = defineRoom({
  path: "soak-{id}",
  throttleStorage: 200,
  // Short enough for sessions and transfers to expire during the run.
  sessionExpiryTime: 2000,
  maxOfflineSessions: 200,
  transferExpiryTime: 2000,
  joinRate: { joins: 1e6, per: 1 },
  requestRate: { requests: 1e6, per: 1 },
  state: () => ({ players: users(Player), things: collection(thing), count: sync(signal(0)) }),
  async onJoin({ request }) {
    const { searchParams } = new URL(request.url);
    if (searchParams.has("slow")) await new Promise((done) => setTimeout(done, Number(searchParams.get("slow"))));
    if (searchParams.has("wrong")) throw new RoomError("forbidden", "Wrong password");
  },
  actions: {
    kickAll: {
      run({ room, conn }) {
        for (const other of room.connections) if (other !== conn) other.close(4000, "kicked");
      },
    },
    remove: { run: ({ state, conn }) => delete state.players()[conn.publicId] },
    count: { run: ({ state }) => (state.count.update((count) => count + 1), state.count()) },
    notes: { run: ({ user }) => user.notes.set(LARGE.slice(0, 60_000)) },
    read: { run: () => LARGE },
    slow: { run: () => new Promise((done) => setTimeout(done, 200)) },
    numbers: { input: z.array(z.number()), run: () => {} },
    go: { run: ({ room, conn }, to) => room.sessionTransfer(conn, to as string) },
    add: {
      run({ state }, key) {
        if (Object.keys(state.things()).length >= MOST_THINGS) state.things.set({});
        state.things()[key as string] = thing();
      },
    },
  },
  requests: {
    "POST /numbers": { body: z.array(z.number()), run: () => {} },
    "GET /count": { run: ({ state }) => state.count() },
  },
});

class Mover {
  x = sync(signal(0));
  y = sync(signal(0));
  trail = sync(signal(""));
}

/** A room with many moving players whom everybody sees. */
const busy = defineRoom({
  path: "busy-{id}",
  joinRate: { joins: 1e6, per: 1 },
  requestRate: { requests: 1e6, per: 1 },
  state: () => ({ players: users(Mover) }),
  actions: {
    move: {
      run({ user }, to) {
        const { x, y, trail } = to as { x: number; y: number; trail: string };
        user.x.set(x);
        user.y.set(y);
        user.trail.set(trail);
      },
    },
  },
});

const rooms = createRooms({
  rooms: [soaked, busy],
  auth: jwt({ secret: "AUTH_JWT_SECRET" }),
  transfers,
  world: worlds({ ids: ["w"], shardCapacity: 500, connectRate: { requests: 1e6, per: 1 } }),
});
export class RoomObject extends rooms.RoomObject {
  /** Aborts the object as an operator can, which closes its sockets. For `/who`, returns who is connected. */
  override async fetch(request: Request): Promise<Response> {
    if (request.url.endsWith("/who")) {
      const sockets = this.ctx.getWebSockets().filter(({ readyState }) => readyState === WebSocket.OPEN).length;
      return Response.json({ ...overviewOf(this.core.parts), sockets, players: Object.keys(this.playersOf()).length });
    }
    if (!request.url.endsWith("/evict-me")) return super.fetch(request);
    await this.core.handle.flush();
    this.ctx.abort("evicted");
    return new Response();
  }

  private playersOf(): object {
    return (this.core.state as { players(): object }).players();
  }
}
export class WorldObject extends rooms.WorldObject {}
export class ShardObject extends rooms.ShardObject {}
export default rooms.app;
