import { computed, signal } from "@signe/reactive";
import { expectTypeOf } from "vitest";
import { z } from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import type { Quarantined } from "../../src/define/quarantine.ts";
import type { AnyRoom, DefinedRoom, Room } from "../../src/define/room.ts";
import type { Guard, Snapshot } from "../../src/define/types.ts";
import { users } from "../../src/app/users.ts";
import { collection, connected, id, persist, sync } from "../../src/state/fields.ts";
import type { Users } from "../../src/state/fields.ts";

class Player {
  id = id();
  x = sync(signal(0));
  y = sync(signal(0));
  online = connected();
  hand = sync(signal<string[]>([]), { visibleTo: "owner" });
}
const monster = () => ({ hp: sync(signal(10)) });

const isWarm: Guard<{ degrees: () => number }> = ({ state }) => state.degrees() > 20;
defineRoom({ path: "pool", state: () => ({ degrees: sync(signal(0)) }), guards: [isWarm], actions: {} });
const isSignedIn: Guard = ({ auth, state }) => {
  expectTypeOf(state).toBeUnknown();
  return auth !== null;
};
defineRoom({ path: "lake", state: () => ({ degrees: sync(signal(0)) }), guards: [isWarm, isSignedIn], actions: {} });
// @ts-expect-error the guard reads another state
defineRoom({ path: "desert", state: () => ({ sand: sync(signal(0)) }), guards: [isWarm], actions: {} });

const gameRoom = defineRoom({
  path: "game-{id}",
  maxUsers: 4,
  state: () => ({
    status: sync(signal<"waiting" | "playing">("waiting")),
    scores: sync(signal<number[]>([])),
    config: sync(signal({ map: { width: 1000, height: 1000 } })),
    leader: sync(computed(() => "nobody")),
    turn: sync(signal(0), { persist: false }),
    seed: persist(signal(1)),
    cache: signal(0),
    players: users(Player),
    monsters: collection(monster),
  }),
  guards: [({ auth }) => auth !== null, ({ state }) => state.players()["a"]?.x() !== 1],
  actions: {
    move: {
      input: z.object({ x: z.coerce.number(), y: z.number() }),
      run({ user, state, conn, room }, { x, y }) {
        expectTypeOf(user).toEqualTypeOf<Player>();
        expectTypeOf(x).toEqualTypeOf<number>();
        expectTypeOf(state.players()["a"]).toEqualTypeOf<Player | undefined>();
        expectTypeOf(conn.publicId).toEqualTypeOf<string>();
        expectTypeOf(room.params).toEqualTypeOf<Readonly<Record<string, string>>>();
        user.x.set(x);
        user.y.set(y);
      },
    },
    kick: {
      guards: [({ state }) => state.status() === "waiting"],
      input: z.string(),
      run({ state }, publicId) {
        delete state.players()[publicId];
        return "kicked" as const;
      },
    },
    later: {
      async run({ state }, value) {
        expectTypeOf(value).toEqualTypeOf<unknown>();
        await Promise.resolve();
        return { turn: state.turn() };
      },
    },
  },
  unhandledAction: {
    run({ user, conn }, { action, value }) {
      expectTypeOf(user).toEqualTypeOf<Player>();
      expectTypeOf(action).toEqualTypeOf<string>();
      expectTypeOf(value).toEqualTypeOf<unknown>();
      conn.close();
    },
  },
  requests: {
    "GET /status": {
      run({ state }) {
        return { status: state.status() };
      },
    },
    "GET /players/:id/items/:item": {
      run({ state, params, res }) {
        expectTypeOf(params).toEqualTypeOf<{ readonly id: string; readonly item: string }>();
        return state.players()[params.id] ?? res.notFound("Player not found");
      },
    },
    "POST /scores": {
      body: z.object({ playerId: z.string(), score: z.number().min(0) }),
      run({ state, body, res }) {
        expectTypeOf(body).toEqualTypeOf<{ playerId: string; score: number }>();
        state.scores.update((s) => [...s, body.score]);
        return res.success({ success: true });
      },
    },
  },
  tick: {
    hz: 20,
    run({ state }, elapsedMs) {
      state.turn.update((t) => t + elapsedMs);
    },
  },
  onJoin({ user, request }) {
    expectTypeOf(user).toEqualTypeOf<Player>();
    expectTypeOf(request).toEqualTypeOf<Request>();
  },
  onUserStorageRestore({ userSnapshot, user }) {
    expectTypeOf(user).toEqualTypeOf<Player>();
    return userSnapshot;
  },
});

const rooms: AnyRoom[] = [gameRoom];
void rooms;
// `Room`, the former name of this type, still works.
expectTypeOf<Room<{ a: 1 }, { b: 2 }>>().toEqualTypeOf<DefinedRoom<{ a: 1 }, { b: 2 }>>();

type Types = NonNullable<typeof gameRoom.types>;
expectTypeOf<z.input<Types["inputs"]["move"]>>().toEqualTypeOf<{ x: unknown; y: number }>();
expectTypeOf<Types["results"]["kick"]>().toEqualTypeOf<"kicked">();
expectTypeOf<Types["results"]["later"]>().toEqualTypeOf<{ turn: number }>();

// In a room without users, handlers have no user.
defineRoom({
  path: "plain",
  state: () => ({ count: sync(signal(0)) }),
  actions: {
    add: {
      input: z.number(),
      run({ user, state }, by) {
        expectTypeOf(user).toEqualTypeOf<undefined>();
        expectTypeOf(by).toEqualTypeOf<number>();
        state.count.set(by);
      },
    },
  },
});

defineRoom({
  path: "wrong",
  state: () => ({ count: sync(signal(0)) }),
  actions: {
    add: {
      input: z.number(),
      // @ts-expect-error the value is a number
      run({ state }, by: string) {
        state.count.set(Number(by));
      },
    },
    typo: {
      run({ state }) {
        // @ts-expect-error there is no such field
        state.counter.set(1);
      },
    },
  },
  requests: {
    "GET /a/:id": {
      run({ params }) {
        // @ts-expect-error there is no such parameter
        return params.name;
      },
    },
  },
});

// @ts-expect-error a definition needs a state
defineRoom({ path: "no-state" });
// @ts-expect-error there is no such option
defineRoom({ path: "x", state: () => ({}), maxUser: 4 });

// In a room with migrations, everything else is inferred as usual.
const evolved = defineRoom({
  path: "evolved",
  version: 3,
  migrate: {
    2: (snapshot) => {
      expectTypeOf(snapshot).toEqualTypeOf<Snapshot>();
      return { ...snapshot, count: Number(snapshot["total"]) };
    },
    3: ({ total, ...snapshot }) => ({ ...snapshot, old: total }),
  },
  state: () => ({ count: sync(signal(0)), players: users(Player) }),
  actions: {
    add: {
      input: z.number(),
      run({ user, state, room }, by) {
        expectTypeOf(user).toEqualTypeOf<Player>();
        expectTypeOf(by).toEqualTypeOf<number>();
        expectTypeOf(room.quarantine.list()).toEqualTypeOf<readonly Quarantined[]>();
        state.count.set(by);
        return "added" as const;
      },
    },
  },
});
expectTypeOf<NonNullable<typeof evolved.types>["results"]["add"]>().toEqualTypeOf<"added">();
expectTypeOf<NonNullable<typeof evolved.types>["state"]["players"]>().toEqualTypeOf<Users<Player>>();

defineRoom({
  path: "waits",
  version: 2,
  // @ts-expect-error a migration cannot be async
  migrate: { 2: async (snapshot) => snapshot },
  state: () => ({ count: sync(signal(0)) }),
});
defineRoom({
  path: "names",
  version: 2,
  // @ts-expect-error steps are named by numbers
  migrate: { two: (snapshot: Snapshot) => snapshot },
  state: () => ({ count: sync(signal(0)) }),
});
