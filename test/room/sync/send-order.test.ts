import { signal } from "@signe/reactive";
import { expect, it, vi } from "vitest";
import { users } from "../../../src/app/users.ts";
import { defineRoom } from "../../../src/define/define-room.ts";
import { sync } from "../../../src/state/fields.ts";
import { near } from "../../../src/state/near.ts";
import { MemoryRoom } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";

class Player {
  x = sync(signal(0));
  y = sync(signal(0));
}
const shared = () => ({ players: users(Player) });
const crowd = () => ({ players: users(Player, { visibleTo: near({ x: "x", y: "y", radius: 100 }) }) });
const kinds = [
  ["a patch for everyone", shared],
  ["patches of a crowd", crowd],
] as const;

/** Connects clients a to d, and sends them a packet, so that the next ones wait for the end of the window. */
async function meet(state: typeof shared) {
  const room = new MemoryRoom<ReturnType<typeof state>>(
    defineRoom({
      path: "r",
      state,
      throttleSync: 50,
      actions: {
        step: { run: ({ user }) => user.x.update((x) => x + 1) },
        fail: { guards: [() => false], run: () => {} },
      },
    }).compiled,
  );
  const sockets: Record<string, MemorySocket> = {};
  for (const name of "abcd") sockets[name] = await room.connect(name);
  await room.advance(2000);
  const sent: string[] = [];
  for (const [name, socket] of Object.entries(sockets)) {
    const send = socket.send.bind(socket);
    vi.spyOn(socket, "send").mockImplementation((frame) => {
      sent.push(name);
      return send(frame);
    });
  }
  const call = (name: string, action: string) =>
    void room.core.message(sockets[name] as MemorySocket, JSON.stringify({ action }));
  const act = (...names: string[]) => names.forEach((name) => call(name, "step"));
  const changeAll = () =>
    room.change(({ players }) => Object.values(players()).forEach(({ y }) => y.update((at) => at + 1)));
  /** Waits until the window ends. @returns the clients in the order in which they were sent packets */
  const order = async () => {
    await room.advance(50);
    return sent.splice(0).join("");
  };
  changeAll();
  sent.length = 0;
  return { room, sockets, call, act, changeAll, order };
}

it.each(kinds)(
  "%s: clients that have waited longest for the effects of an action are sent packets first",
  async (_, state) => {
    const { act, order } = await meet(state);
    act("c", "a", "c", "d", "a");
    expect(await order()).toBe("cadb");
    act("d");
    expect(await order()).toBe("dabc");
  },
);

it.each(kinds)("%s: without actions, clients are sent packets in the order in which they came", async (_, state) => {
  const { act, changeAll, order } = await meet(state);
  act("b");
  expect(await order()).toBe("bacd");
  changeAll();
  expect(await order()).toBe("abcd");
});

it.each(kinds)("%s: a refused action does not change the order", async (_, state) => {
  const { call, changeAll, order } = await meet(state);
  call("d", "fail");
  call("c", "unknown");
  // The refusals.
  expect(await order()).toBe("dc");
  changeAll();
  expect(await order()).toBe("abcd");
});

it.each(kinds)("%s: a client that has acted and left is sent nothing", async (_, state) => {
  const { room, sockets, act, order } = await meet(state);
  act("d", "b");
  room.disconnect(sockets["d"] as MemorySocket);
  expect(await order()).toMatch(/^[abc]*bac$/);
});
