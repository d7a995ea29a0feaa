import { computed, signal } from "@signe/reactive";
import { expectTypeOf } from "vitest";
import { z } from "zod";
import { connectRoom } from "../../src/client/index.ts";
import type { AsJson } from "../../src/client/index.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { reference } from "../../src/state/reference.ts";
import type { Reference } from "../../src/state/reference.ts";
import { users } from "../../src/app/users.ts";
import { collection, connected, id, persist, sync } from "../../src/state/fields.ts";

class Player {
  id = id();
  x = sync(signal(0));
  online = connected();
  hand = sync(signal<string[]>([]), { visibleTo: "owner" });
  pos = { x: sync(signal(0)) };
  items = collection(() => ({ count: sync(signal(1)) }));
  serverOnly = 5;
}
const gameRoom = defineRoom({
  path: "game-{id}",
  state: () => ({
    status: sync(signal<"waiting" | "playing">("waiting")),
    leader: sync(computed(() => "nobody")),
    config: sync(signal({ map: { width: 1 } })),
    flags: sync({ a: signal(1) }),
    seed: persist(signal(1)),
    cache: signal(0),
    players: users(Player),
  }),
  actions: {
    move: { input: z.object({ x: z.coerce.number<number>() }), run: ({ user }, { x }) => user.x.set(x) },
    count: { input: z.number().optional(), run: async () => ({ at: new Date(), n: 1 as const }) },
    free: { run: () => "done" as const },
    odd: { run: () => ({ deep: [{ at: new Date() }], map: new Map<string, number>(), big: 1n, url: new URL("a:b") }) },
  },
});

const game = connectRoom<typeof gameRoom>({ host: "x", room: "game-1" });

expectTypeOf(game.state.status).toEqualTypeOf<"waiting" | "playing">();
expectTypeOf(game.state.leader).toEqualTypeOf<string>();
expectTypeOf(game.state.config.map.width).toEqualTypeOf<number>();
expectTypeOf(game.state.flags.a).toEqualTypeOf<number>();
const player = game.state.players["abc"];
expectTypeOf(player?.x).toEqualTypeOf<number | undefined>();
expectTypeOf(player?.online).toEqualTypeOf<boolean | undefined>();
expectTypeOf(player?.hand).toEqualTypeOf<readonly string[] | undefined>();
expectTypeOf(player?.pos.x).toEqualTypeOf<number | undefined>();
expectTypeOf(player?.items["sword"]?.count).toEqualTypeOf<number | undefined>();

// @ts-expect-error it is only stored
void game.state.seed;
// @ts-expect-error it is only in the server's memory
void game.state.cache;
// @ts-expect-error it is not marked
void player?.serverOnly;
// @ts-expect-error it is readonly
game.state.status = "playing";

game.emit("move", { x: 1 });
game.emit("free");
game.emit("count");
expectTypeOf(game.call("count", 2)).resolves.toEqualTypeOf<{ at: string; n: 1 }>();
expectTypeOf(game.call("free")).resolves.toEqualTypeOf<"done">();
// @ts-expect-error there is no such action
game.emit("fly");
// @ts-expect-error the value is missing
game.emit("move");
// @ts-expect-error the value is of another type
game.emit("move", { x: "1" });

class Monster {
  type = sync(signal<"monster">("monster"));
  hp = sync(signal(10));
}
class Boss extends Monster {
  armour = sync(signal(5));
}
const rock = () => ({ type: sync(signal<"rock">("rock")), weight: sync(signal(1)) });
const dungeon = defineRoom({
  path: "dungeon",
  state: () => ({ monsters: collection({ monster: Monster, boss: Boss, rock }), players: users({ Monster, rock }) }),
  actions: { look: { run: ({ user }) => ("hp" in user ? user.hp() : user.weight()) } },
});
const monster = connectRoom<typeof dungeon>({ host: "x", room: "dungeon" }).state.monsters["m"];
if (monster && "armour" in monster) expectTypeOf(monster.armour).toEqualTypeOf<number>();
else if (monster?.type === "rock") expectTypeOf(monster.weight).toEqualTypeOf<number>();
else if (monster) expectTypeOf(monster.hp).toEqualTypeOf<number>();
// @ts-expect-error only some variants have it
void monster?.hp;
class Sized {
  hp = sync(signal(10));
  constructor(hp: number) {
    this.hp.set(hp);
  }
}
// @ts-expect-error a variant is a class without parameters, or a function
collection({ monster: Sized });
expectTypeOf(game.call("odd")).resolves.toEqualTypeOf<{
  deep: { at: string }[];
  map: never;
  big: never;
  url: string;
}>();
expectTypeOf<AsJson<{ since: Date; gone: undefined }>>().toEqualTypeOf<{ since: string; gone: undefined }>();
game.on("shout", (value, packet) => {
  expectTypeOf(value).toBeUnknown();
  expectTypeOf(packet["name"]).toBeUnknown();
});

const withReferences = defineRoom({
  path: "references",
  state: () => {
    const rocks = collection(rock);
    const rolling: Reference<{ next: Reference<object> }> = reference(() => ({}));
    return { rocks, hardest: reference(() => rocks()), rolling };
  },
  actions: {
    look: { run: ({ state }) => ({ hardest: state.hardest, first: state.rolling() }) },
  },
});
const references = connectRoom<typeof withReferences>({ host: "x", room: "references" });
expectTypeOf(references.state.hardest).toEqualTypeOf<string | null | undefined>();
expectTypeOf(references.call("look")).resolves.toEqualTypeOf<{
  hardest: string | null;
  first: { next: string | null } | undefined;
}>();
const rocks = collection(rock);
const hardest = reference(() => rocks());
expectTypeOf(hardest()).toEqualTypeOf<ReturnType<typeof rock> | undefined>();
hardest.set(undefined);
hardest.set(rock());
// @ts-expect-error it is an entry of another collection
hardest.set(new Boss());
