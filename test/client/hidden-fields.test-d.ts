import { signal } from "@signe/reactive";
import { expectTypeOf } from "vitest";
import { connectRoom } from "../../src/client/index.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import type { RoomHandle } from "../../src/define/types.ts";
import type { Visibility } from "../../src/state/field.ts";
import type { Users } from "../../src/state/fields.ts";
import { users } from "../../src/app/users.ts";
import { collection, sync } from "../../src/state/fields.ts";
import { Card, Player } from "./table-room.ts";
import type { table } from "./table-room.ts";

const { state } = connectRoom<typeof table>({ host: "x", room: "table" });
const player = state.players["abc"];
if (player) {
  expectTypeOf(player.name).toEqualTypeOf<string>();
  expectTypeOf(player.online).toEqualTypeOf<boolean>();
  expectTypeOf(player.hand).toEqualTypeOf<readonly string[] | undefined>();
  expectTypeOf(player.bid).toEqualTypeOf<number | undefined>();
  // @ts-expect-error others do not get it
  player.hand.length.toFixed();
  // @ts-expect-error possibly nobody gets it
  player.bid.toFixed();
  // @ts-expect-error the whole collection is visible only to its owner
  void player.secrets["c"];
  expectTypeOf(player.secrets?.["c"]?.back).toEqualTypeOf<string | undefined>();
  const card = player.cards["c"];
  if (card) {
    expectTypeOf(card.back).toEqualTypeOf<string>();
    expectTypeOf(card.face).toEqualTypeOf<string | undefined>();
    if ("damage" in card) expectTypeOf(card.damage).toEqualTypeOf<number | undefined>();
  }
  expectTypeOf(player.pos.x).toEqualTypeOf<number>();
  expectTypeOf(player.pos.inner.w).toEqualTypeOf<string>();
  expectTypeOf(player.pos.inner.z).toEqualTypeOf<number | undefined>();
  // @ts-expect-error all of its fields are visible only to its owner
  void player.private_.x;
  expectTypeOf(player.private_?.x).toEqualTypeOf<number | undefined>();
  // @ts-expect-error all of its fields are visible only to its owner
  void player.scores.won;
  expectTypeOf(player.scores?.won).toEqualTypeOf<number | undefined>();
  // @ts-expect-error it is stored, but never sent
  void player.limit;
  // @ts-expect-error it is not marked
  void player.serverOnly;
  // @ts-expect-error clients know its key
  void player.id;
}
expectTypeOf(state.round).toEqualTypeOf<number>();
expectTypeOf(state.pot).toEqualTypeOf<number | undefined>();
expectTypeOf(state.dealer).toEqualTypeOf<string | null | undefined>();
// @ts-expect-error not everybody sees the collection
void state.discard["abc"];
expectTypeOf(state.discard?.["abc"]?.back).toEqualTypeOf<string | undefined>();
// The client's type is the type that `transform` returns.
expectTypeOf(state.deck).toEqualTypeOf<number>();
expectTypeOf(state.lengths).toEqualTypeOf<readonly number[]>();

// With options of a general type, the field may be hidden.
declare const options: { readonly visibleTo: Visibility };
const elsewhere = defineRoom({ path: "e", state: () => ({ x: sync(signal(0), options) }) });
const { x } = connectRoom<typeof elsewhere>({ host: "x", room: "e" }).state;
expectTypeOf(x).toEqualTypeOf<number | undefined>();
// If users see only their own entry, the record of users is optional.
const solitaire = defineRoom({ path: "s", state: () => ({ players: users(Player, { visibleTo: "owner" }) }) });
const { players } = connectRoom<typeof solitaire>({ host: "x", room: "s" }).state;
// @ts-expect-error it is optional
void players["abc"];
expectTypeOf(players?.["abc"]?.name).toEqualTypeOf<string | undefined>();
// The type of a field in handlers does not depend on who sees it.
const narrowed: Users<Player> = users(Player, { visibleTo: "owner" });
void narrowed;
// @ts-expect-error there is no such option
sync(signal(0), { visible: "owner" });
// @ts-expect-error there is no such audience
sync(signal(0), { visibleTo: "nobody" });
// @ts-expect-error a collection has no transform
collection(Card, { transform: () => 1 });

// References of an entry, and properties that are no fields, are not part of its type for clients, even if they are
// large.
// are.
class Odd {
  x = sync(signal(0));
  self = this;
  room: RoomHandle | undefined;
  request: Request | undefined;
  parent: Odd | undefined;
  deep = { a: { b: { c: { e: sync(signal(1)) } } } };
}
const odd = defineRoom({
  path: "odd",
  state: () => ({ odds: collection(Odd), loose: sync(signal<Record<string, { at: string }>>({})) }),
  actions: { get: { run: ({ state }) => state.odds()["a"] }, parse: { run: (): unknown => JSON.parse("1") } },
});
const oddClient = connectRoom<typeof odd>({ host: "x", room: "odd" });
interface SentOdd {
  x: number;
  deep: { a: { b: { c: { e: number } } } };
}
expectTypeOf(oddClient.call("get")).resolves.toEqualTypeOf<SentOdd | undefined>();
expectTypeOf(oddClient.call("parse")).resolves.toBeUnknown();
expectTypeOf(oddClient.state.odds["a"]?.deep.a.b.c.e).toEqualTypeOf<number | undefined>();
expectTypeOf<keyof NonNullable<(typeof oddClient.state.odds)["a"]>>().toEqualTypeOf<"x" | "deep">();
expectTypeOf(oddClient.state.loose["a"]?.at).toEqualTypeOf<string | undefined>();
