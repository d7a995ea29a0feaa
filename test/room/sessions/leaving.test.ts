import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { connected, sync } from "../../../src/state/fields.ts";
import { MemoryRoom } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";

class Player {
  name = sync(signal(""));
}

class Visitor {
  online = connected();
}

/** A room whose `onJoin` waits for the test, separately for each connection. */
function scene() {
  const told: string[] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const definition = defineRoom({
    path: "r",
    throttleStorage: 0,
    state: () => ({ players: users(Player) }),
    actions: {
      closeAll: {
        run({ room, conn }) {
          for (const other of room.connections) if (other !== conn) other.close(4000, "enough");
        },
      },
    },
    async onJoin({ conn, user }) {
      if (conn.sessionId === "host") return;
      const gate = Promise.withResolvers<void>();
      const index = gates.push(gate);
      told.push(`joining ${index}`);
      await gate.promise;
      user.name.set("Ada");
      told.push(`joined ${index}`);
    },
    onLeave({ user }) {
      told.push(`left ${user.name()}`);
    },
  });
  const room = new MemoryRoom(definition.compiled);
  return {
    room,
    told,
    open: (index: number) => gates[index - 1]?.resolve(),
    fail: (index: number) => gates[index - 1]?.reject(new Error("no")),
  };
}

/** Another handler closes the connection of Ada while her `onJoin` waits. */
async function closedWhileJoining() {
  const { room, ...rest } = scene();
  const host = await room.connect("host");
  const joining = room.connect("ada");
  await settle();
  await room.core.message(host, JSON.stringify({ action: "closeAll" }));
  return { room, joining, ...rest };
}

async function settle(): Promise<void> {
  for (let step = 0; step < 20; step++) await Promise.resolve();
}

describe("onLeave of a user whose onJoin is not done", () => {
  it("runs after onJoin if another handler closes the connection meanwhile", async () => {
    const { room, told, open, joining } = await closedWhileJoining();
    await settle();
    expect(told).toEqual(["joining 1"]);
    open(1);
    expect((await joining).closedWith).toEqual({ code: 4000, reason: "enough" });
    await settle();
    expect(told).toEqual(["joining 1", "joined 1", "left Ada"]);
    expect(room.core.sessions.find("ada")).toBeUndefined();
  });

  it("does not run if onJoin fails", async () => {
    const { room, told, fail, joining } = await closedWhileJoining();
    fail(1);
    await joining;
    await settle();
    expect(told).toEqual(["joining 1"]);
    expect(room.core.sessions.find("ada")).toBeUndefined();
  });

  it("does not run if the user is back by then", async () => {
    const { room, told, open, joining: first } = await closedWhileJoining();
    const second = room.connect("ada");
    await settle();
    open(1);
    await first;
    await settle();
    expect(told).toEqual(["joining 1", "joining 2", "joined 1"]);
    open(2);
    room.disconnect(await second);
    await settle();
    expect(told).toEqual(["joining 1", "joining 2", "joined 1", "joined 2", "left Ada"]);
  });
});

it.each([false, true])(
  "a connection from before its user went elsewhere has no effect when it closes late (hibernated: %s)",
  async (hasSlept) => {
    const left: string[] = [];
    const { compiled } = defineRoom({
      path: "r",
      throttleStorage: 0,
      sessionExpiryTime: 1000,
      state: () => ({ players: users(Visitor) }),
      actions: { go: { run: ({ room, conn }) => room.sessionTransfer(conn, "other") } },
      onLeave: ({ conn }) => void left.push(conn.publicId),
    });
    const room = new MemoryRoom<{ players(): Record<string, Visitor> }>(compiled);
    room.neighbours.board = async () => ({ ok: true, token: "t" });
    room.neighbours.recall = async () => ({ arrived: true, passenger: null });
    const old = await room.connect("ada");
    await room.core.message(old, '{"action":"go","id":1}');
    const again = await room.connect("ada");
    left.length = 0;
    if (hasSlept) await room.evict();
    room.disconnect(old);
    await room.advance(5000);
    expect(left).toEqual([]);
    expect(Object.values(room.state.players()).map(({ online }) => online())).toEqual([true]);
    room.disconnect(again);
    await room.advance(5000);
    expect(left).toHaveLength(1);
    expect(room.state.players()).toEqual({});
  },
);

describe("P4.7: users who leave a large room", () => {
  async function crowd(count: number) {
    const room = new MemoryRoom(
      defineRoom({ path: "r", throttleSync: 0, state: () => ({ players: users(Player) }) }).compiled,
    );
    const sockets: MemorySocket[] = [];
    for (let index = 0; index < count; index++) sockets.push(await room.connect(`s${index}`));
    await room.advance(1000);
    const ids = sockets.map(({ texts }) => (JSON.parse(texts[0] as string) as { value: { pId: string } }).value.pId);
    const leavesTold = (socket: MemorySocket | undefined) =>
      (socket?.texts ?? []).flatMap((text) =>
        text.includes("user_disconnected") ? (text.match(/"(\w{12})"/)?.[1] ?? []) : [],
      );
    return { room, sockets, ids, leavesTold };
  }

  it("are not told of each other if they leave together", async () => {
    const { room, sockets, leavesTold } = await crowd(500);
    for (const socket of sockets) {
      room.disconnect(socket);
      await room.advance(1);
    }
    await room.advance(2000);
    const frames = sockets.flatMap(leavesTold).length;
    expect(frames, "of 500 × 499 / 2 = 124,750").toBeLessThan(50 * 50);
  });

  it("are reported once to each of the others, within a second, unless they are back", async () => {
    const { room, sockets, ids, leavesTold } = await crowd(60);
    for (const index of [1, 2, 3]) room.disconnect(sockets[index] as MemorySocket);
    await room.connect("s2");
    await room.advance(900);
    expect(room.isIdle, "the room does not sleep before").toBe(false);
    room.disconnect(sockets[4] as MemorySocket);
    await room.advance(100);
    const stayed = [sockets[0], ...sockets.slice(5)];
    const left = [ids[1], ids[3], ids[4]];
    expect(stayed.map(leavesTold)).toEqual(stayed.map(() => left));
    room.disconnect(sockets[5] as MemorySocket);
    await room.advance(1000);
    expect(leavesTold(sockets[0])).toEqual([...left, ids[5]]);
  });
});
