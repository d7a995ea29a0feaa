import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { collection, sync } from "../../src/state/fields.ts";
import { Tree } from "../../src/state/tree.ts";

const coin = () => ({ worth: sync(signal(1)) });
const chest = (worth: number) => ({ worth: sync(signal(worth)), coins: collection(coin) });
/** A chest with one valid coin, and one that cannot be stored because it does not have the fields of a coin. */
function broken() {
  const made = chest(9);
  made.coins()["x"] = coin();
  made.coins()["y"] = { size: sync(signal(1)) } as never;
  return made;
}
const stateOf = () => ({ chests: collection(() => chest(0)) });

function scene() {
  const state = stateOf();
  const tree = new Tree(state);
  const text = () => tree.textFor({ publicId: "eve", auth: null, user: undefined });
  return { state, tree, text, rows: () => [...tree.storedRows().keys()].toSorted() };
}

describe("an entry that cannot be made", () => {
  it("leaves the previous one unchanged: in the state, at clients and in storage", () => {
    const { state, tree, text, rows } = scene();
    state.chests()["a"] = chest(1);
    (state.chests()["a"] as ReturnType<typeof chest>).coins()["c"] = coin();
    tree.settle();
    tree.rows.clear();
    const before = [text(), rows()];
    expect(() => (state.chests()["a"] = broken())).toThrow('chests.a.coins.y: it has a field "size"');
    expect(tree.settle().shared).toBeUndefined();
    expect([text(), rows()]).toEqual(before);
    expect([...tree.rows.removed].filter((key) => before[1]?.includes(key))).toEqual([]);
    expect([...tree.rows.unsaved].map(({ key }) => key).toSorted()).toEqual(["chests.a", "chests.a.coins.c"]);
    state.chests()["a"]?.worth.set(5);
    state.chests()["a"]?.coins()["c"]?.worth.set(6);
    expect(tree.settle().shared).toEqual({ chests: { a: { worth: 5, coins: { c: { worth: 6 } } } } });
  });

  it("does not exist, nor do the entries inside of it, which may be added elsewhere", () => {
    const { state, tree, text, rows } = scene();
    const one = broken();
    expect(() => (state.chests()["a"] = one)).toThrow();
    expect([text(), rows(), [...tree.rows.unsaved]]).toEqual(['{"chests":{}}', [], []]);
    state.chests()["b"] = chest(1);
    (state.chests()["b"] as ReturnType<typeof chest>).coins()["x"] = one.coins()["x"] as ReturnType<typeof coin>;
    tree.settle();
    expect(text()).toBe('{"chests":{"b":{"worth":1,"coins":{"x":{"worth":1}}}}}');
  });

  it("leaves a collection unchanged that should have been replaced", () => {
    const { state, tree, text, rows } = scene();
    for (const [index, key] of ["a", "b", "c"].entries()) state.chests()[key] = chest(index);
    tree.settle();
    const before = [text(), rows()];
    const { a, b } = state.chests();
    expect(() => state.chests.set({ b: a as never, d: chest(4), a: b as never, e: broken(), f: chest(5) })).toThrow();
    expect(tree.settle().shared).toBeUndefined();
    expect([text(), rows()]).toEqual(before);
    a?.worth.set(7);
    expect(tree.settle().shared).toEqual({ chests: { a: { worth: 7 } } });
  });
});
