import { signal } from "@signe/reactive";
import * as z from "zod";
// This does not import src/index.ts, because the attackers of the long form run in Node and import this file too.
import { defineRoom } from "../../src/define/define-room.ts";
import { requireClaim } from "../../src/define/guards.ts";
import { RoomError } from "../../src/protocol/errors.ts";
import { users } from "../../src/app/users.ts";
import { collection, connected, persist, sync } from "../../src/state/fields.ts";

/** The state of a good client, which nobody else may change. */
export const TREASURE = { gold: 7, map: [1, 2, 3], owner: "good" };
/** A text in thrown errors and in hidden fields. It must never appear in a response. */
export const INSIDE = "only-the-server-knows-this";

class Player {
  online = connected();
  bag = sync(signal<Record<string, unknown>>({}));
  hand = sync(signal("nothing"), { visibleTo: "owner" });
}
const thing = () => ({ any: sync(signal<unknown>(null)) });
const isAdmin = requireClaim("role", "admin");
const MAX_ENTRIES = 200;

/**
 * A room that stores what clients send wherever they want: the worst code that a developer could write. Only its
 * treasure is protected.
 */
export const target = defineRoom({
  path: "open-{id}",
  throttleSync: 0,
  throttleStorage: 1000,
  rateLimit: { messages: 300, per: 1000 },
  sessionExpiryTime: 2000,
  maxOfflineSessions: 100,
  state: () => ({
    treasure: sync(signal(TREASURE)),
    seed: persist(signal(INSIDE)),
    hidden: sync(signal(INSIDE), { visibleTo: () => false }),
    any: sync(signal<unknown>(null)),
    box: sync(signal<Record<string, unknown>>({})),
    things: collection(thing),
    players: users(Player),
  }),
  actions: {
    any: { run: ({ state }, value) => state.any.set(small(value)) },
    box: {
      run({ state }, value) {
        const [key, inner] = value as [string, unknown];
        if (Object.keys(state.box()).length > MAX_ENTRIES) state.box.set({});
        state.box()[key] = small(inner);
      },
    },
    inside: {
      run({ state }, value) {
        const [key, inner] = value as [string, unknown];
        state.box.mutate((box) => void ((box[key] as Record<string, unknown>)[key] = small(inner)));
      },
    },
    thing: {
      run({ state }, value) {
        const [key, inner] = value as [string, unknown];
        if (Object.keys(state.things()).length > MAX_ENTRIES) state.things.set({});
        (state.things()[key] ??= thing()).any.set(small(inner));
      },
    },
    field: {
      run({ state }, value) {
        const [key, field] = value as [string, string];
        (state.things()[key] as unknown as Record<string, unknown>)[field] = 1;
      },
    },
    drop: { run: ({ state }, key) => void delete state.things()[key as string] },
    bag: { run: ({ user }, value) => user.bag.set(small(value) as Record<string, unknown>) },
    keep: { run: ({ conn }, value) => (conn.setState(value), conn.state) },
    echo: { run: (_, value) => value },
    tell: { run: ({ room }, value) => room.broadcast(small(value) as { type: string }) },
    move: { run: ({ room, conn }, to) => room.sessionTransfer(conn, to as string) },
    later: { run: ({ room }, value) => room.schedule("later", 50, small(value)) },
    typed: { input: z.object({ x: z.number().min(0), tags: z.array(z.string()).max(3) }), run: (_, value) => value.x },
    slow: { run: async (_, value) => (await Promise.resolve(), value) },
    fails: {
      run() {
        throw new Error(`${INSIDE} at /srv/secret/file.ts:1:2`);
      },
    },
    refuses: {
      run(_, value) {
        throw new RoomError("internal", `${INSIDE} ${String(value)}`);
      },
    },
    spend: { guards: [isAdmin], run: ({ state }) => state.treasure.set({ ...TREASURE, gold: 0 }) },
  },
  schedules: { later: { run: ({ state }, payload) => state.any.set(payload) } },
  requests: {
    "GET /treasure": { run: ({ state }) => state.treasure() },
    "GET /things/:id": { run: ({ state, params, res }) => state.things()[params.id] ?? res.notFound() },
    "GET /box/:key": { run: ({ state, params, res }) => state.box()[params.key] ?? res.notFound() },
    "GET /query": { run: ({ query }) => Object.fromEntries(query) },
    "GET /headers": { run: ({ request }) => [...request.headers] },
    "GET /url": { run: ({ request }) => new URL(request.url).pathname.length },
    "GET /echo": {
      run: ({ request, res }) => res.header("x-echo", request.headers.get("x-echo") ?? "none").text("ok"),
    },
    "GET /go": { run: ({ query, res }) => res.redirect(query.get("x") ?? "/") },
    "GET /here": { run: ({ room }) => room.connections.length },
    "GET /auth": { run: ({ auth }) => auth },
    "POST /any": { body: z.unknown(), run: ({ state, body }) => state.any.set(small(body)) },
    "POST /typed": { body: z.object({ x: z.number() }), run: ({ body }) => body.x },
    "DELETE /treasure": { guards: [isAdmin], run: ({ state }) => state.treasure.set({ ...TREASURE, gold: 0 }) },
    "GET /fails": {
      run() {
        throw new Error(INSIDE);
      },
    },
  },
});

/** Shortens what is broadcast, so that a run measures the service and not the volume of its messages. */
function small(value: unknown): unknown {
  return (JSON.stringify(value)?.length ?? 0) > 2000 ? "long" : value;
}

/** A room that requires a token. */
export const closed = defineRoom({
  path: "closed-{id}",
  auth: "required",
  state: () => ({ treasure: sync(signal(TREASURE)) }),
  requests: { "GET /treasure": { run: ({ state }) => state.treasure() } },
});

export const ACTIONS = Object.keys(target.compiled.definition.actions ?? {});
export const PATHS = Object.keys(target.compiled.definition.requests ?? {}).map((route) => route.split(" ")[1] ?? "/");
