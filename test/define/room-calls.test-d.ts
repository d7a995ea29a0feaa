import { signal } from "@signe/reactive";
import { expectTypeOf } from "vitest";
import { z } from "zod";
import { connectRoom } from "../../src/client/index.ts";
import type { ActionName } from "../../src/client/index.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import type { Guard, RoomAddress } from "../../src/define/types.ts";
import { users } from "../../src/app/users.ts";
import { sync } from "../../src/state/fields.ts";

class Player {
  score = sync(signal(0));
}
const isFromRoom: Guard = ({ caller }) => {
  expectTypeOf(caller).toEqualTypeOf<RoomAddress | undefined>();
  return caller !== undefined;
};

const board = defineRoom({
  path: "board-{id}",
  state: () => ({ best: sync(signal(0)), players: users(Player) }),
  actions: {
    look: {
      run({ user, conn, state }) {
        expectTypeOf(user).toEqualTypeOf<Player>();
        return state.best() + user.score() + conn.publicId.length;
      },
    },
    add: {
      from: "rooms",
      input: z.object({ name: z.string(), score: z.coerce.number<string | number>() }),
      guards: [isFromRoom],
      run({ state, room, caller, ...rest }, { name, score }) {
        expectTypeOf(rest).toEqualTypeOf<{}>();
        expectTypeOf(caller).toEqualTypeOf<RoomAddress>();
        expectTypeOf(score).toEqualTypeOf<number>();
        state.best.set(score);
        return { rank: 1, at: new Date(), name, from: room.id };
      },
    },
    reset: {
      from: "rooms",
      async run({ caller }) {
        await Promise.resolve();
        return caller.id;
      },
    },
  },
  requests: { "GET /who": { run: ({ caller }) => caller?.party ?? "nobody" } },
});

defineRoom({
  path: "game-{id}",
  state: () => ({ score: sync(signal(0)) }),
  actions: {
    finish: {
      async run({ room }) {
        const result = await room.call(board, "board-1", "add", { name: "Ada", score: "12" });
        expectTypeOf(result).toEqualTypeOf<{ rank: number; at: string; name: string; from: string }>();
        expectTypeOf(await room.call(board, { party: "boards", id: "board-1" }, "reset")).toEqualTypeOf<string>();
        expectTypeOf(await room.call("board-1", "anything", 5)).toEqualTypeOf<unknown>();
        expectTypeOf(await room.call({ party: "boards", id: "board-1" }, "add")).toEqualTypeOf<unknown>();
        // @ts-expect-error this action is for clients
        await room.call(board, "board-1", "look");
        // @ts-expect-error it takes a value
        await room.call(board, "board-1", "add");
        // @ts-expect-error a name is a string
        await room.call(board, "board-1", "add", { name: 1, score: 1 });
        const response = await room.fetch({ party: "boards", id: "board-1" }, "/who");
        return response.status;
      },
    },
  },
});

// Clients do not see actions for rooms.
expectTypeOf<ActionName<typeof board>>().toEqualTypeOf<"look">();
const client = connectRoom<typeof board>({ host: "x", room: "board-1" });
expectTypeOf(await client.call("look")).toEqualTypeOf<number>();
// @ts-expect-error only rooms may call it
await client.call("add", { name: "Ada", score: 1 });

// @ts-expect-error the only possible value is "rooms"
defineRoom({ path: "x", state: () => ({}), actions: { wrong: { from: "clients", run: () => 1 } } });
