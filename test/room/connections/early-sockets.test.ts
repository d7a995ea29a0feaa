import { describe, expect, it } from "vitest";
import { overviewOf } from "../../../src/platform/object-report.ts";
import { EarlySockets } from "../../../src/room/connections/early-sockets.ts";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { persist } from "../../../src/state/fields.ts";
import { signal } from "@signe/reactive";
import { MemoryRoom, MemorySocket, VirtualClock } from "../../support/memory.ts";

class Player {
  name = persist(signal(""));
}

/** A room whose `onJoin` waits until the test continues. */
function slowRoom() {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const { compiled } = defineRoom({
    path: "slow",
    state: () => ({ players: users(Player) }),
    onJoin: () => promise,
    actions: { rename: { run: ({ user }, name) => user.name.set(String(name)) } },
  });
  const room = new MemoryRoom<{ players(): Record<string, Player> }>(compiled);
  const socket = new MemorySocket(undefined);
  room.sockets.push(socket);
  const join = { request: new Request("http://room/?protocol=2"), auth: null, sessionId: "a", socket };
  const joining = room.core.connect(join);
  return { room, socket, join, joining, resolve, reject };
}

const rename = (name: string) => JSON.stringify({ action: "rename", value: name, id: name });

describe("a socket that is accepted before its join is done", () => {
  it("P7.8: is told every two seconds that the join is in progress, until it gets its first packet", async () => {
    const { room, socket, join, joining, resolve } = slowRoom();
    room.core.acceptEarly(join);
    expect(socket.isAccepted).toBe(true);
    await room.advance(5000);
    expect(socket.texts).toEqual(Array(3).fill('{"type":"joining"}'));
    resolve();
    await joining;
    await room.advance(5000);
    expect(socket.texts.slice(3).map((text) => (JSON.parse(text) as { type: string }).type)).toEqual(["sync"]);
  });

  it("P7.8: has its messages handled in order when the join is done", async () => {
    const { room, socket, join, joining, resolve } = slowRoom();
    room.core.acceptEarly(join);
    for (const name of ["one", "two"]) expect(room.core.message(socket, rename(name))).toBeUndefined();
    expect(Object.values(room.state.players()).map(({ name }) => name())).toEqual([""]);
    resolve();
    await joining;
    expect(Object.values(room.state.players()).map(({ name }) => name())).toEqual(["two"]);
  });

  it("P7.8: is closed with 1012 if the room loses its memory meanwhile", async () => {
    const { room, socket, join } = slowRoom();
    room.core.acceptEarly(join);
    room.start();
    expect(socket.closedWith).toMatchObject({ code: 1012 });
    expect(overviewOf(room.core.parts).connections).toBe(0);
  });

  it("P7.8: is refused if onJoin never ends", async () => {
    const { room, socket, join, joining } = slowRoom();
    room.core.acceptEarly(join);
    await room.advance(61_000);
    await joining;
    expect(socket.texts.at(-1)).toContain('"close":1011');
    expect(socket.closedWith).toMatchObject({ code: 1011 });
    expect(overviewOf(room.core.parts).connections).toBe(0);
  });

  it("leaves if it closes before the join is done", async () => {
    const { room, socket, join, joining, resolve } = slowRoom();
    room.core.acceptEarly(join);
    room.disconnect(socket);
    resolve();
    await joining;
    expect(overviewOf(room.core.parts)).toMatchObject({ connections: 0, users: 0 });
  });
});

describe("messages that wait for a join", () => {
  it("have a budget for all: the client with the most is closed, and the others stay", () => {
    const early = new EarlySockets(new VirtualClock());
    const sockets = Array.from({ length: 10 }, () => new MemorySocket(undefined));
    for (const socket of sockets) {
      early.accept(socket, undefined, false);
      early.hold(socket, "x".repeat(900_000));
    }
    const closed = sockets.filter((socket) => socket.closedWith);
    expect(closed.length).toBeGreaterThan(0);
    expect(closed.length).toBeLessThan(5);
  });

  it.each([
    ["many", 1001, "x"],
    ["large", 3, "x".repeat(1_000_000)],
  ])("are limited: a client that sends too much is closed (%s)", (_, count, frame) => {
    const early = new EarlySockets(new VirtualClock());
    const socket = new MemorySocket(undefined);
    early.accept(socket, undefined, false);
    for (let index = 0; index < count; index++) early.hold(socket, frame);
    expect(socket.closedWith).toMatchObject({ code: 4429 });
    expect(early.take(socket)).toEqual([]);
  });
});
