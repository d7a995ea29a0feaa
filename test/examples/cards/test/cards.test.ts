import { testRoom } from "durable-rooms/testing";
import { expect, it } from "vitest";
import { fits, newDeck } from "../src/deck";
import { tableRoom } from "../src/table-room";

async function game() {
  const test = await testRoom(tableRoom);
  const ada = await test.createClient({ id: "ada" });
  const bob = await test.createClient({ id: "bob" });
  await ada.call("deal");
  const clientOf = (publicId: string | null) => (publicId === ada.publicId ? ada : bob);
  return { ...test, ada, bob, clientOf };
}

it("a deck has 52 different cards, in a different order each time", () => {
  expect(new Set(newDeck()).size).toBe(52);
  expect(newDeck()).not.toEqual(newDeck());
  expect(["9H", "8S", "9C", "KH"].map((card) => fits(card, "9S"))).toEqual([true, true, true, false]);
});

it("no player is ever sent a card of another hand or of the deck", async () => {
  const { ada, bob, room, expectConverged } = await game();
  const [adaId = "", bobId = ""] = [ada.publicId, bob.publicId];
  expect(ada.state.players[adaId]).toMatchObject({ count: 5, hand: expect.any(Array) });
  expect(ada.state.players[bobId]).not.toHaveProperty("hand");
  expect(bob.state.players[adaId]?.count).toBe(5);
  const sent = JSON.stringify(ada.packets);
  for (const card of [...(room.state.players()[bobId]?.hand() ?? []), ...room.state.deck()]) {
    expect(sent).not.toContain(`"${card}"`);
  }
  await expectConverged();
});

it("only the player whose turn it is plays a card, and only a matching card of their own", async () => {
  const { ada, bob, room, clientOf } = await game();
  const mover = clientOf(room.state.turn());
  const other = mover === ada ? bob : ada;
  await expect(other.call("draw")).rejects.toMatchObject({ code: "forbidden", message: "It is not your turn" });
  const { [mover.publicId]: me, [other.publicId]: them } = room.state.players();
  await expect(mover.call("play", them?.hand()[0] ?? "")).rejects.toThrow("You do not have this card");
  await room.change((state) => {
    state.top.set("9S");
    me?.hand.set(["KH", "9D"]);
  });
  await expect(mover.call("play", "KH")).rejects.toThrow("neither suit nor rank");
  await mover.call("play", "9D");
  expect(other.state).toMatchObject({ top: "9D", turn: other.publicId, winner: null });
  await room.change(() => me?.hand.set(["9C"]));
  await other.call("draw");
  await mover.call("play", "9C");
  expect(other.state).toMatchObject({ turn: null, winner: mover.publicId });
  await other.call("deal");
});

it("a crash loses no cards, and players who are away are skipped", async () => {
  const { ada, bob, room, server, createClient, clientOf } = await game();
  const mover = clientOf(room.state.turn());
  const hands = () => Object.entries(room.state.players()).map(([id, player]) => [id, [...player.hand()]]);
  const before = Object.fromEntries(hands());
  await server.crash();
  expect(Object.fromEntries(hands())).toEqual(before);
  const [id, otherId] = mover === ada ? ["ada", "bob"] : ["bob", "ada"];
  const other = await createClient({ id: otherId });
  expect(other.state.turn).toBe(mover.publicId);
  await server.advance(30_000);
  expect(other.state.turn).toBe(other.publicId);
  expect(other.state.players[mover.publicId]?.count).toBe(6);
  const back = await createClient({ id });
  await other.call("draw");
  expect(back.state).toMatchObject({
    turn: back.publicId,
    order: expect.arrayContaining([ada.publicId, bob.publicId]),
  });
});

it("the game waits while no player is connected, and does not wake for nothing", async () => {
  const { ada, bob, room, server, createClient } = await game();
  const turn = room.state.turn();
  for (const client of [ada, bob]) client.close();
  await Promise.all([ada.closed, bob.closed]);
  await server.advance(120_000);
  expect(room.state.turn()).toBe(turn);
  expect(room.state.left()).toBe(41);
  await createClient({ id: "ada" });
  await createClient({ id: "bob" });
  await server.advance(30_000);
  expect(room.state.turn()).not.toBe(turn);
});

it("played cards are shuffled when the deck is used up", async () => {
  const { room, clientOf } = await game();
  await room.change((state) => {
    state.deck.set([]);
    state.played.set(["2C"]);
  });
  for (const [left, count] of [
    [0, 6],
    [0, 5],
  ] as const) {
    const mover = clientOf(room.state.turn());
    await mover.call("draw");
    expect([mover.state.left, mover.state.players[mover.publicId]?.count]).toEqual([left, count]);
  }
});
