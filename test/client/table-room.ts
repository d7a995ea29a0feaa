import { computed, signal } from "@signe/reactive";
import { expectTypeOf } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { eachItem } from "../../src/state/each-item.ts";
import { users } from "../../src/app/users.ts";
import { collection, connected, id, persist, sync } from "../../src/state/fields.ts";
import { reference } from "../../src/state/reference.ts";

export class Card {
  face = sync(signal("ace"), { visibleTo: "owner" });
  back = sync(signal("blue"));
}
export class Trap extends Card {
  damage = sync(signal(5), { visibleTo: () => false });
}
export class Player {
  id = id();
  name = sync(signal(""), { visibleTo: "all" });
  online = connected();
  hand = sync(signal<string[]>([]), { visibleTo: "owner" });
  bid = sync(signal(0), { visibleTo: ({ publicId }, owner) => publicId === owner });
  cards = collection({ card: Card, trap: Trap });
  secrets = collection(Card, { visibleTo: "owner" });
  private_ = { x: sync(signal(0), { visibleTo: "owner" }) };
  pos = { x: sync(signal(0)), inner: { z: sync(signal(0), { visibleTo: "owner" }), w: sync(signal("")) } };
  scores = sync({ won: signal(0), lost: signal(0) }, { visibleTo: "owner" });
  limit = persist(signal(0));
  serverOnly = 5;
}
export const table = defineRoom({
  path: "table",
  state: () => {
    const players = users(Player);
    return {
      players,
      discard: collection(Card, { visibleTo: () => false, persist: false }),
      deck: sync(signal(["ace"]), { transform: (cards) => cards.length }),
      lengths: sync(signal(["ace"]), { transform: eachItem((card) => card.length) }),
      pot: sync(
        computed(() => 1),
        { visibleTo: () => true },
      ),
      round: sync(signal(1), { persist: false }),
      dealer: reference(() => players(), { visibleTo: "owner" }),
    };
  },
  actions: {
    // Handlers see all fields, also hidden ones.
    deal: {
      run({ state, user }) {
        expectTypeOf(user.hand()).toEqualTypeOf<string[]>();
        expectTypeOf(user.cards()["c"]?.face()).toEqualTypeOf<string | undefined>();
        expectTypeOf(state.deck()).toEqualTypeOf<string[]>();
        expectTypeOf(state.pot()).toEqualTypeOf<number>();
        expectTypeOf(state.players()["a"]).toEqualTypeOf<Player | undefined>();
        user.hand.set(["ace"]);
        user.cards()["c"] = new Trap();
        user.private_.x.set(1);
        user.scores.won.update((won) => won + 1);
        state.dealer.set(user);
      },
    },
  },
});
