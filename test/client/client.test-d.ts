import { signal } from "@signe/reactive";
import { expectTypeOf } from "vitest";
import { z } from "zod";
import { CallError, ConnectError, connectRoom, connectWorld, findRoom, listRooms } from "../../src/client/index.ts";
import type { ClientState, RoomClient } from "../../src/client/index.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { persist, sync } from "../../src/state/fields.ts";

const gameRoom = defineRoom({
  path: "game-{id}",
  state: () => ({
    count: sync(signal(0)),
    config: sync(signal({ map: { width: 1 } })),
    seed: persist(signal(1)),
  }),
  actions: {
    move: { input: z.object({ x: z.number() }), run: () => {} },
    count: { input: z.number().optional(), run: () => 1 as const },
    free: { run: () => "done" as const },
  },
});

const game = connectWorld<typeof gameRoom>({ host: "x", room: "game-1", worldId: "eu", token: async () => "jwt" });
expectTypeOf(game).toEqualTypeOf<RoomClient<typeof gameRoom>>();
expectTypeOf(game.state.config.map.width).toEqualTypeOf<number>();
expectTypeOf(game.latency).toEqualTypeOf<number | undefined>();
expectTypeOf(game.resyncs).toEqualTypeOf<number>();
// @ts-expect-error a World has no parties
connectWorld<typeof gameRoom>({ host: "x", room: "game-1", party: "lobby" });
// @ts-expect-error a room without a World has no worldId
connectRoom<typeof gameRoom>({ host: "x", room: "game-1", worldId: "eu" });
connectRoom<typeof gameRoom>({ host: "x", room: "game-1", socket: { WebSocket } });
// @ts-expect-error the client decides that itself
connectRoom<typeof gameRoom>({ host: "x", room: "game-1", socket: { shouldReconnectOnClose: () => true } });

type State = ClientState<typeof gameRoom>;
expectTypeOf(game.optimistic("count", 1, (state) => ({ ...state, count: 1 }))).resolves.toEqualTypeOf<1>();
expectTypeOf(game.optimistic("free", undefined, (state) => state)).resolves.toEqualTypeOf<"done">();
void game.optimistic("move", { x: 1 }, (state) => {
  expectTypeOf(state).toEqualTypeOf<State>();
  return { ...state, config: { map: { width: 2 } } };
});
// @ts-expect-error there is no such action
void game.optimistic("fly", 1, (state) => state);
// @ts-expect-error the value is of another type
void game.optimistic("move", { x: "1" }, (state) => state);
// @ts-expect-error the value is missing
void game.optimistic("move", undefined, (state) => state);
// @ts-expect-error the state has a number there
void game.optimistic("count", 1, (state) => ({ ...state, count: "1" }));
// @ts-expect-error the function returns nothing
void game.optimistic("count", 1, () => {});
// @ts-expect-error it changes the state in place
void game.optimistic("count", 1, (state) => ((state.count = 1), state));

game.on("error", (error) => {
  if (error instanceof ConnectError) expectTypeOf(error.status).toEqualTypeOf<number | undefined>();
  else expectTypeOf(error.action).toEqualTypeOf<string | undefined>();
});
game.on("shout", (value) => expectTypeOf(value).toBeUnknown());
game.call("free").catch((error: unknown) => {
  if (error instanceof CallError && error.code === "overflow")
    expectTypeOf(error.issues[0]?.message).toEqualTypeOf<string | undefined>();
});

interface Duel {
  mode: "blitz" | "slow";
  level: number;
  map: { name: string };
}
expectTypeOf(
  findRoom<Duel>({ host: "x", room: "duel-{id}" }).then(({ metadata }) => metadata.mode),
).resolves.toEqualTypeOf<"blitz" | "slow">();
void listRooms<Duel>({
  host: "x",
  room: "duel-{id}",
  filter: { mode: { in: ["blitz"] }, level: { gte: 3 } },
  limit: 5,
});
// @ts-expect-error no room has this mode
void findRoom<Duel>({ host: "x", room: "duel-{id}", filter: { mode: "ffa" } });
// @ts-expect-error the name is misspelt
void findRoom<Duel>({ host: "x", room: "duel-{id}", filter: { levle: 3 } });
// @ts-expect-error only scalars can be compared
void findRoom<Duel>({ host: "x", room: "duel-{id}", filter: { map: { name: "moon" } } });
// @ts-expect-error a list creates no room
void listRooms<Duel>({ host: "x", room: "duel-{id}", create: true });
void findRoom({ host: "x", room: "duel-{id}", filter: { anything: 3 }, create: { id: "7" }, order: "emptiest" });
connectRoom<typeof gameRoom>({
  host: "x",
  room: async () => (await findRoom({ host: "x", room: "game-{id}" })).roomId,
});
expectTypeOf(game.room).toEqualTypeOf<string | undefined>();
// @ts-expect-error a World knows the shards of one fixed room
connectWorld<typeof gameRoom>({ host: "x", room: () => "game-1" });
