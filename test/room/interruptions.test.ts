import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { collection, connected, sync } from "../../src/state/fields.ts";
import { testRoom } from "../support/harness.ts";
import type { TestClient, TestRoom } from "../support/harness.ts";
import { visible } from "../support/load-client.ts";

class Player {
  name = sync(signal("?"));
  online = connected();
  hand = sync(signal<string[]>([]), { visibleTo: "owner" });
  mood = sync(signal(0), { persist: false });
}
const definition = defineRoom({
  path: "room-{id}",
  throttleSync: 0,
  throttleStorage: 0,
  state: () => ({
    board: sync(signal<string[]>([])),
    turn: sync(signal(0), { persist: false }),
    players: users(Player),
    pieces: collection(() => ({ at: sync(signal(0)) })),
  }),
  actions: {
    name: { input: z.string(), run: ({ user }, name) => user.name.set(name) },
    deal: { run: ({ user }) => user.hand.set(["ace", "king"]) },
    mood: { run: ({ user }) => user.mood.update((mood) => mood + 1) },
    write: { input: z.string(), run: ({ state }, text) => void state.board().push(text) },
    add: { input: z.string(), run: ({ state }, key) => void (state.pieces()[key] = { at: sync(signal(1)) }) },
    move: { input: z.string(), run: ({ state }, key) => state.pieces()[key]?.at.update((at) => at + 1) },
    remove: { input: z.string(), run: ({ state }, key) => void delete state.pieces()[key] },
    next: { run: ({ state }) => state.turn.update((turn) => turn + 1) },
  },
});

/** The actions of two players, in order. */
const script: [who: "ada" | "bob", action: string, value?: string][] = [
  ["ada", "name", "Ada"],
  ["ada", "deal"],
  ["bob", "name", "Bob"],
  ["ada", "add", "pawn"],
  ["bob", "move", "pawn"],
  ["bob", "next"],
  ["ada", "mood"],
  ["ada", "write", "one"],
  ["bob", "add", "rook"],
  ["ada", "remove", "pawn"],
  ["bob", "write", "two"],
  ["bob", "next"],
];

type Clients = Record<"ada" | "bob", TestClient>;

/** Plays the script. Between two events, `interrupt` may interrupt the room in any way. */
async function play(interrupt: (room: TestRoom, clients: Clients, step: number) => Promise<void>): Promise<unknown> {
  const room = testRoom(definition);
  const clients: Clients = { ada: await room.connect({ id: "ada" }), bob: await room.connect({ id: "bob" }) };
  for (const [step, [who, action, value]] of script.entries()) {
    await interrupt(room, clients, step);
    expect(await clients[who].call(action, value)).toMatchObject({ type: "ack" });
  }
  await interrupt(room, clients, script.length);
  // A last change, so that both clients have received everything before it.
  await clients.ada.call("write", "end");
  await clients.bob.sees((state: { board: string[] }) => state.board.at(-1) === "end");
  const ids = { [clients.ada.publicId]: "ada", [clients.bob.publicId]: "bob" };
  return JSON.parse(
    JSON.stringify([clients.ada.state, clients.bob.state]).replace(/[A-Za-z0-9]{12}/g, (id) => ids[id] ?? id),
  );
}

const expected = [
  {
    board: ["one", "two", "end"],
    turn: 2,
    players: {
      ada: { name: "Ada", online: true, hand: ["ace", "king"], mood: 1 },
      bob: { name: "Bob", online: true, mood: 0 },
    },
    pieces: { rook: { at: 1 } },
  },
  {
    board: ["one", "two", "end"],
    turn: 2,
    players: { ada: { name: "Ada", online: true, mood: 1 }, bob: { name: "Bob", online: true, hand: [], mood: 0 } },
    pieces: { rook: { at: 1 } },
  },
];

describe("a scenario with interruptions", () => {
  it("without any, for comparison", async () => {
    expect(visible(await play(async () => {}))).toEqual(expected);
  });

  it("with an eviction between any two events looks the same to its clients", async () => {
    expect(visible(await play((room) => room.evict()))).toEqual(expected);
  });

  it.each(script.map((_, step) => step))("with one eviction before event %i looks the same", async (at) => {
    const outcome = await play(async (room, _, step) => {
      if (step === at) await room.evict();
    });
    expect(visible(outcome)).toEqual(expected);
  });

  it("with a crash between any two events loses only what is never stored", async () => {
    const outcome = await play(async (room, clients) => {
      await room.crash();
      await Promise.all([clients.ada.closed, clients.bob.closed]);
      const { publicId } = clients.ada;
      clients.ada = await room.connect({ id: "ada" });
      clients.bob = await room.connect({ id: "bob" });
      expect(clients.ada.publicId).toBe(publicId);
      await clients.ada.sees((state: { players: Record<string, { online: boolean }> }) =>
        Object.values(state.players).every((player) => player.online),
      );
    });
    const zero = JSON.parse(
      JSON.stringify(expected).replaceAll('"turn":2', '"turn":0').replaceAll('"mood":1', '"mood":0'),
    ) as unknown;
    expect(visible(outcome)).toEqual(zero);
  });
});
