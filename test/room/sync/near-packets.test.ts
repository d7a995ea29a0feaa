import { signal } from "@signe/reactive";
import { expect, it, vi } from "vitest";
import { users } from "../../../src/app/users.ts";
import { defineRoom } from "../../../src/define/define-room.ts";
import { collection, sync } from "../../../src/state/fields.ts";
import { near } from "../../../src/state/near.ts";
import { MemoryRoom } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";

class Player {
  x = sync(signal(0));
  y = sync(signal(0));
}
const state = () => ({
  players: users(Player, { visibleTo: near({ x: "x", y: "y", radius: 100 }) }),
  bullets: collection(Player, { visibleTo: near({ x: "x", y: "y", radius: 100 }) }),
});

/** Clients on a line, 50 apart. */
async function meet(count: number) {
  const room = new MemoryRoom<ReturnType<typeof state>>(defineRoom({ path: "r", state }).compiled);
  const sockets: MemorySocket[] = [];
  for (let index = 0; index < count; index++) sockets.push(await room.connect(`client ${index}`));
  const players = Object.values(room.state.players());
  room.change(() => players.forEach((player, index) => player.x.set(index * 50)));
  await room.advance(2000);
  const receivers = (type: string) =>
    sockets.flatMap(({ texts }, index) => (texts.some((text) => text.includes(`"${type}"`)) ? index : []));
  return { room, sockets, players, receivers, asked: vi.spyOn(room.core.tree, "viewerOf") };
}

it("a packet near an entry is sent to those who see it, and asks none of the others", async () => {
  const { room, players, receivers, asked } = await meet(60);
  room.core.handle.broadcast({ type: "shot" }, { near: players[10] as Player });
  expect(receivers("shot")).toEqual([8, 9, 10, 11, 12]);
  expect(asked).not.toHaveBeenCalled();
});

it("a user who leaves costs only those who saw the user", async () => {
  const { room, sockets, receivers, asked } = await meet(60);
  room.disconnect(sockets[10] as MemorySocket);
  expect(receivers("user_disconnected")).toEqual([8, 9, 11, 12]);
  expect(asked).not.toHaveBeenCalled();
});

it("a packet near a new entry is sent to those who are about to see it", async () => {
  const { room, receivers } = await meet(60);
  room.change(({ bullets }) => {
    const bullet = new Player();
    bullet.x.set(500);
    bullets()["b"] = bullet;
    room.core.handle.broadcast({ type: "bang" }, { near: bullets()["b"] as Player });
  });
  expect(receivers("bang")).toEqual([8, 9, 10, 11, 12]);
});

/** Ada and Bob saw each other at 0. Ada has moved to 1000 since, and nothing was sent. Then clients come. */
async function meetByHand() {
  const { compiled } = defineRoom({ path: "r", state, autoSync: false });
  const room = new MemoryRoom<ReturnType<typeof state>>(compiled);
  const [ada, bob] = [await room.connect("ada"), await room.connect("bob")];
  room.core.handle.applySync();
  const [player] = Object.values(room.state.players());
  room.change(() => player?.x.set(1000));
  const here = await room.connect("newcomer here");
  const there = await room.connect("newcomer there");
  const last = Object.values(room.state.players()).at(-1);
  room.change(() => last?.x.set(1000));
  const told = (type: string) =>
    Object.entries({ ada, bob, here, there }).flatMap(([name, { texts }]) =>
      texts.some((text) => text.includes(`"${type}"`)) ? name : [],
    );
  return { room, ada, player: player as Player, told };
}

it("a client without its first packet is told of a user who leaves where the user is now, not where others saw it", async () => {
  const { room, ada, told } = await meetByHand();
  room.disconnect(ada);
  expect(told("user_disconnected")).toEqual(["bob", "there"]);
});

it("a client without its first packet gets packets near an entry where that is now, not where others saw it", async () => {
  const { room, player, told } = await meetByHand();
  room.core.handle.broadcast({ type: "shot" }, { near: player });
  expect(told("shot")).toEqual(["ada", "bob", "there"]);
});
