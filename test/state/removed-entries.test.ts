import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { users } from "../../src/app/users.ts";
import { collection, sync } from "../../src/state/fields.ts";
import { Tree } from "../../src/state/tree.ts";

const own = () => ({ note: sync(signal("secret"), { visibleTo: "owner" }) });
class Player {
  items = collection(own);
}

/** A handler that waits may still have an entry that was removed from the state meanwhile. */
describe("an entry that was removed and is still changed", () => {
  it("does not affect the counts of others: no client gets the fields of another user", () => {
    const state = { players: users(Player) };
    const tree = new Tree(state);
    const [ann, bob] = [new Player(), new Player()];
    Object.assign(state.players(), { ann, bob });
    for (const player of [ann, bob]) player.items()["a"] = own();
    tree.settle();
    delete state.players()["ann"];
    delete ann.items()["a"];
    tree.settle();
    const textFor = (publicId: string) => tree.textFor({ publicId, auth: null, user: undefined });
    expect(textFor("bob")).toContain("secret");
    expect(textFor("eve")).toBe('{"players":{"bob":{"items":{"a":{}}}}}');
  });

  it("counts its initial private fields once", () => {
    const state = { players: users(Player) };
    const tree = new Tree(state);
    const player = new Player();
    player.items()["a"] = own();
    state.players()["ann"] = player;
    expect(tree.root.privateCount).toBe(1);
    delete state.players()["ann"];
    expect(tree.root.privateCount).toBe(0);
  });

  it("shows nothing that is added to it to viewers of a predicate until it is back", () => {
    const seen = () => ({ note: sync(signal("here"), { visibleTo: () => true }) });
    class Holder {
      items = collection(seen);
    }
    const state = { holders: collection(Holder) };
    const tree = new Tree(state);
    const holder = (state.holders()["h"] = new Holder());
    delete state.holders()["h"];
    holder.items()["a"] = seen();
    expect(tree.dynamic.size).toBe(0);
    state.holders()["h"] = holder;
    expect([...tree.dynamic].map((leaf) => leaf.path())).toEqual(["holders.h.items.a.note"]);
  });
});
