import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom, sync, users } from "../../../src/index.ts";
import { MemoryRoom } from "../../support/memory.ts";

const PLAYERS = 5000;
class Player {
  x = sync(signal(0));
}
/** A user with a volatile field, whose value only survives hibernation. */
class Archer extends Player {
  aim = sync(signal(0), { persist: false });
}

async function asleep<P extends Player>(player: new () => P, count: number, change: (own: P) => void = () => {}) {
  const { compiled } = defineRoom({
    path: "world-{id}",
    state: () => ({ round: sync(signal(0)), players: users(player) }),
    actions: { move: { run: ({ user }, x) => (user as P).x.set(x as number) } },
  });
  const room = new MemoryRoom<{ players(): Record<string, P> }>(compiled);
  const socket = await room.connect("ann");
  const [publicId, own] = Object.entries(room.state.players())[0] as [string, P];
  room.change((state) => {
    for (let index = 0; index < count; index++) (state.players()[`bot${index}`] = new player()).x.set(index);
    change(own);
  });
  await room.advance(5000);
  const read = { rows: 0 };
  room.storage.onRead = () => read.rows++;
  await room.evict();
  return { room, socket, publicId, read };
}

describe("a room with many stored entries that wakes", () => {
  it("reads only those that it needs", async () => {
    const { room, socket, publicId, read } = await asleep(Player, PLAYERS);
    const before = socket.texts.length;
    await room.core.message(socket, '{"action":"move","value":7}');
    expect(socket.texts.slice(before)).toEqual([`{"type":"sync","value":{"players":{"${publicId}":{"x":7}}}}`]);
    expect(read.rows).toBeLessThan(10);
  });

  it("knows what only hibernation restores", async () => {
    const { room, publicId } = await asleep(Archer, 3, (own) => own.aim.set(5));
    expect([room.state.players()[publicId]?.aim(), room.state.players()["bot2"]?.x()]).toEqual([5, 2]);
    const bob = await room.connect("bob");
    expect(JSON.parse(bob.texts[0] as string)).toMatchObject({
      value: { players: { [publicId]: { x: 0, aim: 5 }, bot1: { x: 1, aim: 0 } } },
    });
  });

  it("sends everything to a new client", async () => {
    const { room } = await asleep(Player, PLAYERS);
    const bob = await room.connect("bob");
    const { value } = JSON.parse(bob.texts[0] as string) as { value: { players: Record<string, object> } };
    expect(Object.keys(value.players)).toHaveLength(PLAYERS + 2);
    expect(value.players["bot4999"]).toEqual({ x: 4999 });
  });

  it("sends each new client what changed since the last", async () => {
    const { room, read } = await asleep(Player, 6);
    await room.connect("bob");
    const [, before] = [room.state.players()["bot1"]?.x.set(10), read.rows];
    room.change((state) => {
      state.players()["bot2"]?.x.set(20);
      delete state.players()["bot3"];
      (state.players()["bot4"] = new Player()).x.set(40);
      (state.players()["bot9"] = new Player()).x.set(90);
    });
    const carol = await room.connect("carol");
    const { value } = JSON.parse(carol.texts[0] as string) as { value: { players: Record<string, { x: number }> } };
    const bots = Object.entries(value.players).filter(([key]) => key.startsWith("bot"));
    const expected = { bot0: 0, bot1: 10, bot2: 20, bot4: 40, bot5: 5, bot9: 90 };
    expect(Object.fromEntries(bots.map(([key, { x }]) => [key, x]))).toEqual(expected);
    // One read for each key that was asked for.
    expect(read.rows - before).toBeLessThanOrEqual(6);
    expect(
      Object.keys(room.state.players())
        .filter((key) => key.startsWith("bot"))
        .toSorted(),
    ).toEqual(Object.keys(expected));
  });

  it("remembers entries that were removed before they were read", async () => {
    const { room } = await asleep(Player, 5);
    room.change((state) => delete state.players()["bot3"]);
    await room.advance(5000);
    await room.evict();
    expect([room.state.players()["bot3"], room.state.players()["bot4"]?.x()]).toEqual([undefined, 4]);
    expect(Object.keys(room.state.players())).toHaveLength(5);
  });
});
