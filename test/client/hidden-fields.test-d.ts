import { signal } from "@signe/reactive";
import { expectTypeOf } from "vitest";
import { connectRoom } from "../../src/client/index.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import type { RoomHandle } from "../../src/define/types.ts";
import type { Visibility } from "../../src/state/field.ts";
import type { Users } from "../../src/state/fields.ts";
import { collection, sync, users } from "../../src/state/fields.ts";
import { Card, Player } from "./table-room.ts";
import type { table } from "./table-room.ts";

const { state } = connectRoom<typeof table>({ host: "x", room: "table" });
const player = state.players["abc"];
if (player) {
  expectTypeOf(player.name).toEqualTypeOf<string>();
  expectTypeOf(player.online).toEqualTypeOf<boolean>();
  expectTypeOf(player.hand).toEqualTypeOf<readonly string[] | undefined>();
  expectTypeOf(player.bid).toEqualTypeOf<number | undefined>();
  // @ts-expect-error others do not have it
  player.hand.length.toFixed();
  // @ts-expect-error nobody may have it
  player.bid.toFixed();
  // @ts-expect-error the collection is its owner's
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
  // @ts-expect-error all that is in it is its owner's
  void player.private_.x;
  expectTypeOf(player.private_?.x).toEqualTypeOf<number | undefined>();
  // @ts-expect-error all that is in it is its owner's
  void player.scores.won;
  expectTypeOf(player.scores?.won).toEqualTypeOf<number | undefined>();
  // @ts-expect-error stored, and never sent
  void player.limit;
  // @ts-expect-error not marked
  void player.serverOnly;
  // @ts-expect-error clients know the key
  void player.id;
}
expectTypeOf(state.round).toEqualTypeOf<number>();
expectTypeOf(state.pot).toEqualTypeOf<number | undefined>();
expectTypeOf(state.dealer).toEqualTypeOf<string | null | undefined>();
// @ts-expect-error not everybody sees the collection
void state.discard["abc"];
expectTypeOf(state.discard?.["abc"]?.back).toEqualTypeOf<string | undefined>();
// What `transform` makes is what is sent.
expectTypeOf(state.deck).toEqualTypeOf<number>();
expectTypeOf(state.lengths).toEqualTypeOf<readonly number[]>();

// Options that are made elsewhere may hide the field.
declare const options: { readonly visibleTo: Visibility };
const elsewhere = defineRoom({ path: "e", state: () => ({ x: sync(signal(0), options) }) });
const { x } = connectRoom<typeof elsewhere>({ host: "x", room: "e" }).state;
expectTypeOf(x).toEqualTypeOf<number | undefined>();
// Of a record of users each sees their own entry, if they have one.
const solitaire = defineRoom({ path: "s", state: () => ({ players: users(Player, { visibleTo: "owner" }) }) });
const { players } = connectRoom<typeof solitaire>({ host: "x", room: "s" }).state;
// @ts-expect-error it is optional
void players["abc"];
expectTypeOf(players?.["abc"]?.name).toEqualTypeOf<string | undefined>();
// What a field is for handlers does not depend on who sees it.
const narrowed: Users<Player> = users(Player, { visibleTo: "owner" });
void narrowed;
// @ts-expect-error there is no such option
sync(signal(0), { visible: "owner" });
// @ts-expect-error there is nobody of that name
sync(signal(0), { visibleTo: "nobody" });
// @ts-expect-error a collection has no transform
collection(Card, { transform: () => 1 });

// What an entry refers to, or has beside its fields, is no part of it, however large its type is.
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
