import { signal } from "@signe/reactive";
import { expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import type { RoomCore } from "../../src/room/room.ts";
import { users } from "../../src/app/users.ts";
import { persist } from "../../src/state/fields.ts";
import type { TransferredUser } from "../../src/room/transfers/messages.ts";
import { MemoryRoom, VirtualClock } from "../support/memory.ts";
import { bytesReadAtStart, call, ROOM_BUDGET, rowsWith, storedBytes } from "./support.ts";

const MARK = "kept-for-somebody";
/** An answer of 244 KB, which a client causes with a short message. */
const LARGE = MARK + "x".repeat(244_000);

class Player {
  notes = persist(signal(""));
}
const stateOf = () => ({ players: users(Player) });
type State = ReturnType<typeof stateOf>;
const ofVersion = (version: number) =>
  defineRoom({
    path: "r",
    version,
    migrate: version === 2 ? { 2: (old) => old } : {},
    throttleStorage: 0,
    sessionExpiryTime: 60_000,
    state: stateOf,
    actions: {
      read: { run: () => LARGE },
      write: { run: ({ user }, notes) => user.notes.set(notes as string) },
      go: { run: ({ room, conn }, to) => room.sessionTransfer(conn, to as string) },
    },
  });
const definition = ofVersion(1);

/** As many users as given join one after the other. Each asks for a large answer and leaves. */
async function askAndLeave(room: MemoryRoom<State>, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const socket = await room.connect(`session-${index}`, null, undefined, "protocol=2");
    await call(room as never, socket, "read");
    // Drop what the test's own clients received, so that it takes no memory.
    socket.texts.length = 0;
    room.disconnect(socket);
  }
}

it("700 users with a large last answer do not make a room too large to start", async () => {
  const room = new MemoryRoom<State>(definition.compiled);
  await askAndLeave(room, 700);
  expect(storedBytes(room as never)).toBeLessThan(ROOM_BUDGET);
  expect(bytesReadAtStart(room as never)).toBeLessThan(ROOM_BUDGET / 10);
  const socket = await room.connect("new");
  expect(socket.isOpen).toBe(true);
});

it("an answer is read from storage only when its message is sent again", async () => {
  const room = new MemoryRoom<State>(definition.compiled);
  const socket = await room.connect("a", null, undefined, "protocol=2");
  await room.core.message(socket, '{"action":"read","id":"asked"}');
  room.disconnect(socket);
  expect(bytesReadAtStart(room as never)).toBeLessThan(LARGE.length);
  const again = await room.connect("a", null, undefined, "protocol=2");
  await room.core.message(again, '{"action":"read","id":"asked"}');
  expect(again.texts.filter((text) => text.includes('"ack"') && text.includes(LARGE))).toHaveLength(1);
});

it("the answers of an expired session are deleted", async () => {
  const room = new MemoryRoom<State>(definition.compiled);
  await askAndLeave(room, 3);
  await room.advance(61_000);
  expect(rowsWith(room as never, MARK)).toEqual([]);
  expect([...room.storage.rows.keys()].filter((key) => key.includes("session-"))).toEqual([]);
});

it("the answers of recent users are kept, and those of users who left long ago are removed first", async () => {
  const room = new MemoryRoom<State>(definition.compiled);
  await askAndLeave(room, 50);
  const known: boolean[] = [];
  for (const id of ["session-0", "session-49"]) {
    const socket = await room.connect(id, null, undefined, "protocol=2");
    const answers = (room.storage.rows.get(`$apart:session:${id}`) as { answers?: unknown[] } | undefined)?.answers;
    known.push(answers !== undefined);
    room.disconnect(socket);
  }
  expect(known).toEqual([false, true]);
});

it("unreadable answers are dropped, and their session continues", async () => {
  const room = new MemoryRoom<State>(definition.compiled);
  await askAndLeave(room, 1);
  room.crash();
  room.storage.onRead = (value) => {
    if ((value as { answers?: unknown } | undefined)?.answers) throw new Error("It cannot be read");
  };
  const socket = await room.connect("session-0", null, undefined, "protocol=2");
  expect(await call(room as never, socket, "read")).toMatchObject({ result: LARGE });
  expect(room.log.map(({ event }) => event)).toEqual(["details_failed"]);
});

it("1,000 users from another room with a large connection state do not make the room too large", async () => {
  const room = new MemoryRoom<State>(definition.compiled);
  const state = { notes: "x".repeat(14_000) };
  for (let index = 0; index < 1000; index++) {
    await room.core.board({ ...passenger(index), user: { notes: "" }, state });
  }
  expect(storedBytes(room as never)).toBeLessThan(ROOM_BUDGET);
  expect(bytesReadAtStart(room as never)).toBeLessThan(1_000_000);
  // The state of the connections that came first was dropped.
  const states = [];
  for (const id of ["session-0", "session-999"]) {
    await room.connect(id);
    states.push(room.core.handle.connections.at(-1)?.state);
  }
  expect(states).toEqual([undefined, state]);
});

it("the handlers' own storage is not read at the start or by a migration", async () => {
  const room = new MemoryRoom<State>(definition.compiled);
  room.storage.rows.set("$storage:mine", LARGE);
  expect(bytesReadAtStart(room as never)).toBeLessThan(1000);
  const next = new MemoryRoom<State>(ofVersion(2).compiled);
  next.storage.rows = new Map<string, unknown>([
    ["players.p1", { notes: "" }],
    ["$storage:mine", LARGE],
    ["$apart:session:ada", { answers: [["a", LARGE]] }],
  ]);
  expect(bytesReadAtStart(next as never)).toBeLessThan(1000);
  expect(next.storage.rows.get("$version")).toBe(2);
  expect(next.core.handle.storage.get("mine")).toBe(LARGE);
});

const passenger = (index: number): TransferredUser => ({
  transferId: `transfer-${index}`,
  sessionId: `session-${index}`,
  publicId: `p${index}`,
  sub: undefined,
  user: { notes: MARK + "x".repeat(120_000) },
  state: null,
});

it("1,200 users who start a transfer and return do not make the room too large to start", async () => {
  const room = new MemoryRoom<State>(definition.compiled);
  for (let index = 0; index < 1200; index++) {
    await room.core.board(passenger(index));
    await room.core.recall(`transfer-${index}`, `session-${index}`);
  }
  expect(storedBytes(room as never)).toBeLessThan(ROOM_BUDGET);
  expect(bytesReadAtStart(room as never)).toBeLessThan(ROOM_BUDGET / 10);
});

it("a user in transfer is returned completely to a room that asks twice", async () => {
  const room = new MemoryRoom<State>(definition.compiled);
  await room.core.board(passenger(0));
  const first = await room.core.recall("transfer-0", "session-0");
  room.crash();
  expect(await room.core.recall("transfer-0", "session-0")).toEqual(first);
  expect(first.passenger?.user).toMatchObject({ notes: expect.stringContaining(MARK) });
});

it("data of a returned user is deleted once the room that they came from has stored it", async () => {
  const clock = new VirtualClock();
  const [home, away] = [
    new MemoryRoom<State>(definition.compiled, clock),
    new MemoryRoom<State>(definition.compiled, clock),
  ];
  const reach = (there: MemoryRoom<State>) => ({
    ...there.neighbours,
    board: (_: string, user: TransferredUser) => there.during((core) => core.board(user)),
    recall: (_: string, ...transfer: Parameters<RoomCore["recall"]>) =>
      there.during((core) => core.recall(...transfer)),
  });
  [home.neighbours, away.neighbours] = [reach(away), reach(home)];
  const socket = await home.connect("ada");
  await call(home as never, socket, "write", MARK);
  await call(home as never, socket, "go", "away");
  expect(rowsWith(away as never, MARK)).not.toEqual([]);
  const back = await home.connect("ada");
  expect(back.isOpen).toBe(true);
  expect(rowsWith(home as never, MARK)).not.toEqual([]);
  // The other room keeps its copy until it knows that the user is back, which may take one more call.
  for (let step = 0; step < 10; step++) await Promise.all([home.advance(10_000), away.advance(0)]);
  expect(rowsWith(away as never, MARK)).toEqual([]);
});
