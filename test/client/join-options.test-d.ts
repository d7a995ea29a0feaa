import { signal } from "@signe/reactive";
import { expectTypeOf } from "vitest";
import { z } from "zod";
import { connectRoom, connectWorld } from "../../src/client/index.ts";
import type { ConnectOptions, JoinOptions } from "../../src/client/index.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import type { Guard, RoomTypes } from "../../src/define/types.ts";
import { useRoomClient } from "../../src/react/index.ts";
import { users } from "../../src/app/users.ts";
import { sync } from "../../src/state/fields.ts";
import { testRoom } from "../../src/testing/index.ts";

const input = z.object({ name: z.string(), team: z.coerce.number().default(1) });
class Player {
  name = sync(signal(""));
}
const isNamed: Guard<unknown, RoomTypes<unknown, unknown, unknown, typeof input>> = ({ join }) => join?.name !== "";
const isOpen: Guard = ({ join, isSpectator }) => {
  expectTypeOf(join).toBeUnknown();
  return isSpectator;
};

const quiz = defineRoom({
  path: "quiz-{id}",
  join: { input },
  spectators: true,
  state: () => ({ players: users(Player) }),
  guards: [
    isNamed,
    isOpen,
    ({ join }) => {
      expectTypeOf(join).toEqualTypeOf<{ name: string; team: number } | undefined>();
      return join?.team !== 0;
    },
  ],
  actions: {
    // Only the hooks for joining clients have `join`.
    // @ts-expect-error an action has no join
    who: { rateLimit: { messages: 1, per: 1000 }, run: ({ user, join }) => [user.name(), join] },
  },
  onJoin({ user, join, request, conn }) {
    expectTypeOf(join).toEqualTypeOf<{ name: string; team: number }>();
    expectTypeOf(conn.isSpectator).toEqualTypeOf<boolean>();
    user.name.set(join.name + request.url);
  },
});
const plain = defineRoom({
  path: "plain-{id}",
  state: () => ({ count: sync(signal(0)) }),
  onJoin({ join }) {
    expectTypeOf(join).toBeUnknown();
  },
});
const easy = defineRoom({ path: "easy", join: { input: input.optional() }, state: () => ({}) });

const where = { host: "x", room: "quiz-1" };
connectRoom<typeof quiz>({ ...where, params: { name: "Ada" } });
connectRoom<typeof quiz>({ ...where, params: () => ({ name: "Ada", team: "2" }) });
connectRoom<typeof quiz>({ ...where, params: async () => ({ name: "Ada" }) });
connectRoom<typeof quiz>({ ...where, spectator: true });
connectRoom<typeof quiz>({ ...where, spectator: true, params: { name: "Ada" } });
connectWorld<typeof quiz>({ ...where, params: { name: "Ada" } });
// @ts-expect-error the room requires params
connectRoom<typeof quiz>(where);
// @ts-expect-error a name is a string
connectRoom<typeof quiz>({ ...where, params: { name: 1 } });
const titled = defineRoom({ path: "titled", join: { input: z.object({ title: z.string() }) }, state: () => ({}) });
connectRoom<typeof titled>({ ...where, params: () => ({ title: "a" }) });
// @ts-expect-error a function returns the same type
connectRoom<typeof titled>({ ...where, params: () => ({ title: 1 }) });
// @ts-expect-error a spectator gives params of the same type, or none
connectRoom<typeof quiz>({ ...where, spectator: true, params: { name: 1 } });
// @ts-expect-error the room requires params
connectWorld<typeof quiz>({ ...where, spectator: false });

connectRoom<typeof plain>(where);
connectRoom<typeof plain>({ ...where, spectator: true });
// @ts-expect-error the room has no params
connectRoom<typeof plain>({ ...where, params: { name: "Ada" } });
connectRoom<typeof easy>(where);
connectRoom<typeof easy>({ ...where, params: { name: "Ada" } });

const options: ConnectOptions = where;
connectRoom<typeof plain>(options);
const ada: ConnectOptions<typeof quiz> = { ...where, params: { name: "Ada" } };
connectRoom<typeof quiz>(ada);
expectTypeOf<JoinOptions["params"]>().toEqualTypeOf<undefined>();

useRoomClient<typeof quiz>({ room: "quiz-1", params: { name: "Ada" } });
useRoomClient<typeof quiz>({ room: "quiz-1", worldId: "main", spectator: true });
// @ts-expect-error the room requires params
useRoomClient<typeof quiz>({ room: "quiz-1" });

const kit = await testRoom(quiz);
await kit.createClient({ params: { name: "Ada" } });
await kit.createClient({ spectator: true });
// @ts-expect-error a name is a string
await kit.createClient({ params: { name: 1 } });
const isWatching: boolean = Math.random() > 0.5;
connectRoom<typeof quiz>({ ...where, params: { name: "Ada" }, spectator: isWatching });
