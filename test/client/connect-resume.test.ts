import { signal } from "@signe/reactive";
import { expect, it, vi } from "vitest";
import { z } from "zod";
import { connectRoom } from "../../src/client/index.ts";
import type { ClientStatus } from "../../src/client/index.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { collection, sync } from "../../src/state/fields.ts";
import { BrowserSocket } from "../support/browser-socket.ts";
import { testRoom, token } from "../support/harness.ts";

const coin = () => ({ worth: sync(signal(1)) });
const definition = defineRoom({
  path: "room-{id}",
  throttleSync: 0,
  state: () => ({ count: sync(signal(0)), coins: collection(coin) }),
  actions: { set: { input: z.number(), run: ({ state }, count) => state.count.set(count) } },
});

it("P4.11: a client that was away gets what changed meanwhile", async () => {
  const room = testRoom(definition);
  await room.change((state) => {
    for (let index = 0; index < 100; index++) state.coins()[`c${index}`] = coin();
  });
  const sockets: BrowserSocket[] = [];
  const packets: { type: string; resumed?: boolean; value: unknown }[] = [];
  class Recorder extends BrowserSocket {
    constructor(url: string) {
      super(url);
      sockets.push(this);
    }
  }
  // The client reconnects when the test opens this gate.
  let gate: Promise<unknown> = Promise.resolve();
  const game = connectRoom<typeof definition>({
    host: "rooms.test",
    ...(await room.place()),
    token: () => gate.then(() => token({ sub: "ada" })),
    socket: { WebSocket: Recorder, protocol: "ws", minReconnectionDelay: 1 },
  });
  game.on("packet", (packet) => packets.push(packet as (typeof packets)[number]));
  const becomes = (status: ClientStatus) =>
    new Promise<void>((resolve) => game.on("status", (now) => now === status && resolve()));
  await becomes("open");
  const { coins } = game.state;

  const { promise, resolve } = Promise.withResolvers<void>();
  gate = promise;
  const lost = becomes("reconnecting");
  sockets[0]?.close(4000);
  await lost;
  await room.change((state) => {
    state.count.set(5);
    delete state.coins()["c7"];
  });
  packets.length = 0;
  const back = becomes("open");
  resolve();
  await back;
  // The last changes may reach a client at a shard a moment later.
  await vi.waitFor(() => expect(game.state.count).toBe(5), 5000);
  expect(packets[0]).toMatchObject({ type: "sync", resumed: true });
  expect(packets.reduce((all, { value }) => Object.assign(all, value), {})).toEqual({
    count: 5,
    coins: { c7: "$delete" },
  });
  expect(Object.keys(game.state.coins)).toHaveLength(99);
  expect(game.state.coins["c8"]).toBe(coins["c8"]);
  await game.call("set", 6);
  expect(game.state.count).toBe(6);
  expect(game.resyncs).toBe(0);
  game.close();
});
