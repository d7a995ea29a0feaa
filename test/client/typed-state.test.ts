import { describe, expect, it } from "vitest";
import { testRoom } from "../../src/testing/index.ts";
import { room as answering } from "./answering-room.ts";
import { Card, table, Trap } from "./table-room.ts";

/** `hidden-fields.test-d.ts` and `answers.test-d.ts` test the types for the same rooms. */
describe("the types of a client match what it receives", () => {
  it("of the state: its owner sees all of an entry, for others some fields are optional", async () => {
    const { createClient, room, expectConverged } = await testRoom(table);
    const [owner, other] = [await createClient(), await createClient()];
    await room.change((state) => {
      const user = state.players()[owner.publicId];
      if (!user) throw new Error("The owner is not here");
      user.cards()["c"] = new Trap();
      user.secrets()["s"] = new Card();
      state.dealer.set(user);
    });
    const seen = {
      name: "",
      online: true,
      cards: { c: { back: "blue" } },
      pos: { x: 0, inner: { w: "" } },
    };
    expect(other.state.players[owner.publicId]).toEqual(expect.objectContaining(seen));
    const { private_, scores, secrets, ...rest } = other.state.players[owner.publicId] ?? {};
    // Objects that have only hidden fields arrive without them or do not arrive, so their type is optional.
    expect([private_, scores, secrets]).toEqual([{}, {}, {}]);
    expect(rest).toEqual(seen);
    expect(owner.state.players[owner.publicId]).toEqual({
      ...seen,
      hand: [],
      bid: 0,
      cards: { c: { back: "blue", face: "ace" } },
      secrets: { s: { back: "blue", face: "ace" } },
      private_: { x: 0 },
      pos: { x: 0, inner: { w: "", z: 0 } },
      scores: { won: 0, lost: 0 },
    });
    const { players, ...others } = other.state;
    expect(Object.keys(players)).toHaveLength(2);
    expect(others).toEqual({ deck: 1, lengths: [3], pot: 1, round: 1, discard: {} });
    await expectConverged();
  });

  it("of an answer: an entry has its public fields, and other objects have no hidden ones", async () => {
    const { createClient } = await testRoom(answering);
    const client = await createClient();
    const player = { x: 0, online: true, best: 1, pos: { x: 0 }, items: {} };
    expect(await client.call("me")).toEqual(player);
    expect(await client.call("everyone")).toEqual({ at: expect.any(String), players: [player] });
    expect(await client.call("whole")).toEqual({ [client.publicId]: player });
    expect(await client.call("unread")).toEqual({ ok: true, x: 0, boss: null });
    expect(await client.call("read")).toEqual({ id: client.publicId, hand: [], since: expect.any(String) });
    expect(await client.call("nothing")).toBeUndefined();
    expect(await client.call("dates")).toEqual([{ at: expect.any(String) }]);
    expect(await client.call("monster")).toBeUndefined();
  });
});
