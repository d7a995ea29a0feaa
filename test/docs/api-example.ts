// The examples of the API description in full. Only the parts that they leave open are filled in.
/* oxlint-disable no-unused-vars, no-empty-function -- the example has unused names and empty functions */
import { z } from "zod";
import {
  collection,
  computed,
  connected,
  createRooms,
  defineRoom,
  id,
  jwt,
  persist,
  signal,
  sync,
  transfers,
  users,
} from "../../src/index.ts";
import { worlds } from "../../src/worlds.ts";
import type { Guard } from "../../src/index.ts";

const isAuthenticated: Guard = ({ auth }) => auth !== null;
const isAdmin: Guard = ({ auth }) => auth?.["role"] === "admin";

// A class …
class Player {
  id = id(); // filled with the user's publicId
  x = sync(signal(0));
  y = sync(signal(0));
  score = sync(signal(0));
  online = connected(); // signal<boolean> kept by the runtime, never persisted
  hand = sync(signal<string[]>([]), { visibleTo: "owner" });
}
export const monster = () => ({ hp: sync(signal(10)) }); // … or a factory: both are accepted

export const gameRoom = defineRoom({
  path: "game-{id}", // {name} segments become room.params.name
  maxUsers: 4, // distinct users online; the next one is refused (close 4503)
  throttleSync: 100, // ms between packets; 0 = one per turn of the event loop; default "auto"
  throttleStorage: 1000, // ms; default 1000; 0 = durable before anything is sent
  hibernate: true, // default true
  sessionExpiryTime: 300_000, // ms a disconnected user is kept; default 5 min
  autoSync: true, // default true
  guards: [isAuthenticated], // every connection, message and request of the room
  rateLimit: { messages: 100, per: 1000 },
  maxMessageBytes: 65_536,

  // called once per room instance: signals are never shared between rooms
  state: () => {
    const scores = sync(signal<number[]>([]));
    return {
      status: sync(signal<"waiting" | "playing">("waiting")),
      scores,
      config: sync(signal({ map: { width: 1000, height: 1000 } })),
      leader: sync(computed(() => Math.max(0, ...scores()))), // synced, not persisted
      turn: sync(signal(0), { persist: false }),
      seed: persist(signal(1)), // persisted, never sent to a client
      cache: signal(0), // neither: server memory only
      players: users(Player), // one entry per user, keyed by publicId
      monsters: collection(monster), // Record<string, Monster>, entries persisted one by one
    };
  },

  actions: {
    move: {
      input: z.object({ x: z.number().min(0).max(1000), y: z.number().min(0).max(1000) }),
      run({ user, state, conn, room }, { x, y }) {
        user.x.set(x);
        user.y.set(y);
      },
    },
    kick: {
      guards: [isAdmin],
      input: z.string(),
      run({ state }, publicId) {
        delete state.players()[publicId];
        return "kicked";
      },
    },
    transfer: {
      input: z.object({ targetRoomId: z.string() }),
      async run({ room, conn }, { targetRoomId }) {
        return { transferToken: await room.sessionTransfer(conn, targetRoomId) };
      },
    },
  },
  unhandledAction: { run({ user, conn }, { action, value }) {} },

  requests: {
    "GET /status": {
      run({ state }) {
        return { status: state.status() };
      },
    },
    "GET /players/:id": {
      run({ state, params, res }) {
        return state.players()[params.id] ?? res.notFound("Player not found");
      },
    },
    "POST /scores": {
      body: z.object({ playerId: z.string(), score: z.number().min(0) }),
      guards: [isAdmin],
      run({ state, body, res }) {
        state.scores.update((s) => [...s, body.score]);
        return res.success({ success: true });
      },
    },
  },

  tick: { hz: 20, run({ state, room }, elapsedMs) {} }, // runs only while someone is connected

  onStart({ state, room }) {},
  onJoin({ user, conn, request, state, room }) {},
  onLeave({ user, conn, state, room }) {},
  onError({ error, conn, state, room }) {},
  interceptorPacket({ user, conn, state }, packet) {
    return packet;
  }, // null = not sent to this connection
  onStorageRestore({ snapshot, room }) {
    return snapshot;
  },
  onUserStorageRestore({ userSnapshot, user, publicId }) {
    return userSnapshot;
  },
  onSessionRestore({ userSnapshot, user, publicId, privateId, room }) {
    return userSnapshot;
  },
});

export const apiRoom = defineRoom({
  path: "api",
  state: () => ({ calls: sync(signal(0)) }),
  requests: { "GET /hello": { run: () => "hello" } },
});

const rooms = createRooms({
  rooms: [gameRoom, apiRoom], // the party "main"; { parties: { lobby: [lobbyRoom] } } adds others
  auth: jwt({ secret: "AUTH_JWT_SECRET" }), // an env name (HS256), or { jwksUrl, issuer, audience }; optional
  cors: { origin: "*" },
  transfers,
  world: worlds({ shardCapacity: 75, balancing: "round-robin" }),
});
export class RoomObject extends rooms.RoomObject {}
export class WorldObject extends rooms.WorldObject {}
export class ShardObject extends rooms.ShardObject {}
export default rooms.app; // a Hono app: add routes of your own to it
