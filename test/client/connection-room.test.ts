import { signal } from "@signe/reactive";
import { connectionRoom } from "@signe/sync/client";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { collection, connected, sync } from "../../src/state/fields.ts";
import { BrowserSocket } from "../support/browser-socket.ts";
import { testRoom } from "../support/harness.ts";
import type { TestRoom } from "../support/harness.ts";

class Player {
  x = sync(signal(0));
  online = connected();
}
const definition = defineRoom({
  path: "room-{id}",
  throttleStorage: 0,
  state: () => ({
    count: sync(signal(0)),
    scores: sync(signal<number[]>([])),
    players: users(Player),
    monsters: collection(() => ({ hp: sync(signal(10)) })),
  }),
  actions: {
    move: { input: z.object({ x: z.number() }), run: ({ user }, { x }) => user.x.set(x) },
    score: { input: z.number(), run: ({ state }, score) => void state.scores().push(score) },
    summon: { input: z.string(), run: ({ state }, key) => void (state.monsters()[key] = { hp: sync(signal(10)) }) },
    slay: { input: z.string(), run: ({ state }, key) => void delete state.monsters()[key] },
    shout: { run: ({ room }, value) => room.broadcast({ type: "shout", value }) },
  },
});

/** The client's own state, as a developer who uses `@signe/sync` would write it. */
class ClientState {
  count = signal(0);
  scores = signal<number[]>([]);
  players = signal<Record<string, { x: number; online: boolean }>>({});
  monsters = signal<Record<string, { hp: number }>>({});
}

async function connect(room: TestRoom, id: string) {
  const state = new ClientState();
  const connection = await connectionRoom(
    {
      host: "rooms.test",
      protocol: "ws",
      party: room.party,
      room: room.id,
      id,
      WebSocket: BrowserSocket,
      minReconnectionDelay: 1,
      maxReconnectionDelay: 10,
    },
    state,
  );
  const checks = new Set<() => void>();
  connection.on("sync", () => checks.forEach((check) => check()));
  /**
   * Resolves when a condition holds. Checks it after each packet, because `load` announces no changes of nested values.
   */
  const when = (condition: () => boolean) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (condition()) resolve();
      };
      checks.add(check);
      check();
    });
  return { ...connection, state, when };
}

describe("connectionRoom of @signe/sync/client, unmodified", () => {
  it("follows a room through changes, evictions and a crash", async () => {
    const room = testRoom(definition);
    const ada = await connect(room, "ada");
    const bob = await connect(room, "bob");
    await ada.when(() => Object.keys(ada.state.players()).length === 2);

    ada.emit("move", { x: 7 });
    await bob.when(() => Object.values(bob.state.players()).some((player) => player.x === 7));

    for (const score of [1, 2, 3]) bob.emit("score", score);
    await ada.when(() => ada.state.scores().join() === "1,2,3");

    bob.emit("summon", "m1");
    await ada.when(() => ada.state.monsters()["m1"]?.hp === 10);
    await room.evict();
    ada.emit("slay", "m1");
    await bob.when(() => bob.state.monsters()["m1"] === undefined);

    const shouted = new Promise((resolve) => ada.on("shout", resolve));
    bob.emit("shout", "hey");
    expect(await shouted).toBe("hey");

    const reopened = new Promise((resolve) => bob.conn.addEventListener("open", resolve, { once: true }));
    await room.crash();
    await reopened;
    bob.emit("score", 4);
    await ada.when(() => ada.state.scores().length === 4);
    await bob.when(() => bob.state.scores().length === 4);
    expect([...ada.state.scores()]).toEqual([1, 2, 3, 4]);
    expect(Object.keys(ada.state.players())).toHaveLength(2);
    ada.close();
    bob.close();
  });
});
