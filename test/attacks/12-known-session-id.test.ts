import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import type { Claims } from "../../src/define/types.ts";
import type { RoomCore } from "../../src/room/room.ts";
import { users } from "../../src/app/users.ts";
import { persist } from "../../src/state/fields.ts";
import type { TransferredUser } from "../../src/room/transfers/messages.ts";
import { MemoryRoom, VirtualClock } from "../support/memory.ts";
import { call } from "./support.ts";

class Player {
  name = persist(signal(""));
}
const stateOf = () => ({ players: users(Player) });
type State = ReturnType<typeof stateOf>;
const definition = defineRoom({
  path: "r",
  throttleStorage: 0,
  state: stateOf,
  actions: {
    name: { run: ({ user }, name) => user.name.set(name as string) },
    read: { run: ({ user }) => user.name() },
    go: { run: ({ room, conn }, to) => room.sessionTransfer(conn, to as string) },
  },
});
const ANN: Claims = { sub: "ann" };
/** The claims that a stranger connects with: none, or those of their own token. */
const STRANGERS: readonly (readonly [string, Claims | null])[] = [
  ["without a token", null],
  ["with a token of their own", { sub: "eve" }],
];

/** Two rooms that can transfer users to each other. */
function twoRooms() {
  const clock = new VirtualClock();
  const rooms = {
    home: new MemoryRoom<State>(definition.compiled, clock),
    away: new MemoryRoom<State>(definition.compiled, clock),
  };
  for (const room of Object.values(rooms)) {
    const there = (id: string) => rooms[id as keyof typeof rooms];
    room.neighbours = {
      ...room.neighbours,
      board: (to: string, user: TransferredUser) => there(to).during((core) => core.board(user)),
      recall: (to: string, ...transfer: Parameters<RoomCore["recall"]>) =>
        there(to).during((core) => core.recall(...transfer)),
    };
  }
  return rooms;
}

/** Joins Ann to a room, with a session that is bound to her token. */
async function annAt(room: MemoryRoom<State>) {
  const ann = await room.connect("anns-id", ANN);
  await call(room as never, ann, "name", "Ann");
  return ann;
}

describe.each(STRANGERS)("a stranger who knows Ann's session id, %s,", (_, claims) => {
  it("cannot recall her from a transfer to another room", async () => {
    const { home, away } = twoRooms();
    const ann = await annAt(home);
    const { result } = await call(home as never, ann, "go", "away");
    const stranger = await home.connect("anns-id", claims);
    if (stranger.isOpen) expect(await call(home as never, stranger, "read")).not.toMatchObject({ result: "Ann" });
    const arrived = await away.connect(undefined, ANN, result as string);
    expect(arrived.closedWith).toBeUndefined();
    expect(await call(away as never, arrived, "read")).toMatchObject({ result: "Ann" });
  });

  it("cannot take her place in the target room", async () => {
    const { home, away } = twoRooms();
    const ann = await annAt(home);
    await away.connect("anns-id", claims);
    const { result } = await call(home as never, ann, "go", "away");
    expect(result).toEqual(expect.any(String));
    const arrived = await away.connect(undefined, ANN, result as string);
    expect(await call(away as never, arrived, "read")).toMatchObject({ result: "Ann" });
  });

  it("cannot stop her from returning to a room that she left", async () => {
    const { home, away } = twoRooms();
    const ann = await annAt(home);
    const { result } = await call(home as never, ann, "go", "away");
    const arrived = await away.connect(undefined, ANN, result as string);
    await home.connect("anns-id", claims);
    const { result: back } = await call(away as never, arrived, "go", "home");
    const again = await home.connect(undefined, ANN, back as string);
    expect(again.closedWith).toBeUndefined();
    expect(await call(home as never, again, "read")).toMatchObject({ result: "Ann" });
  });

  it("cannot take her place in a room that she has never joined", async () => {
    const { home } = twoRooms();
    await home.connect("anns-id", claims);
    const ann = await home.connect("anns-id", ANN);
    expect(ann.closedWith).toBeUndefined();
  });

  it("is another user, and does not see her values", async () => {
    const { home } = twoRooms();
    const ann = await annAt(home);
    const stranger = await home.connect("anns-id", claims);
    if (stranger.isOpen) expect(await call(home as never, stranger, "read")).toMatchObject({ result: "" });
    expect(await call(home as never, ann, "read")).toMatchObject({ result: "Ann" });
  });
});

it("a user who returns without having arrived is restored", async () => {
  const { home } = twoRooms();
  const ann = await annAt(home);
  await call(home as never, ann, "go", "away");
  const back = await home.connect("anns-id", ANN);
  expect(await call(home as never, back, "read")).toMatchObject({ result: "Ann" });
});

it("sessions with and without a sub from an earlier version are found", async () => {
  const room = new MemoryRoom<State>(definition.compiled);
  room.storage.rows.set("$session:old", { publicId: "p1", offlineSince: room.clock.time });
  room.storage.rows.set("$session:bound", { publicId: "p2", sub: "ann", offlineSince: room.clock.time });
  room.crash();
  expect((await room.connect("old")).texts[0]).toContain('"p1"');
  expect((await room.connect("bound", ANN)).texts[0]).toContain('"p2"');
});

/** Clients with the same id and different subjects or none. Some ids and subjects look like keys of the room's rows. */
const ALIKE: readonly (readonly [id: string, claims: Claims | null])[] = [
  ["id", null],
  ["id", ANN],
  ["id", { sub: "eve" }],
  ['\\["id","ann"]', null],
  ['\\["id",null]', { sub: "ann" }],
  ['\\\\["id","eve"]', null],
  ['["id","ann"]', null],
];

it.each([
  ["first come those without a token", ALIKE],
  ["last come those without a token", ALIKE.toReversed()],
])("each pair of an id and a sub is a different user, also after a restart: %s", async (_, alike) => {
  const { home } = twoRooms();
  const isRefused = (id: string, claims: Claims | null) => id === "id" && !claims && alike !== ALIKE;
  for (const time of ["first", "second", "third"]) {
    for (const [id, claims] of alike) {
      const socket = await home.connect(id, claims);
      // A client without a token is refused if the id belongs to the subject of a token.
      expect(socket.isOpen).toBe(!isRefused(id, claims));
      if (!socket.isOpen) continue;
      const name = JSON.stringify([id, claims]);
      expect(await call(home as never, socket, "read")).toMatchObject({ result: time === "first" ? "" : name });
      await call(home as never, socket, "name", name);
    }
    home.crash();
  }
  expect(Object.keys(home.state.players())).toHaveLength(alike === ALIKE ? ALIKE.length : ALIKE.length - 1);
});

it("two users with the same id start a transfer, and each returns unchanged", async () => {
  const { home, away } = twoRooms();
  const people = [
    ["Zed", null],
    ["Ann", ANN],
    ["Eve", { sub: "eve" }],
  ] as const;
  for (const [name, claims] of people) {
    const socket = await home.connect("id", claims);
    await call(home as never, socket, "name", name);
    expect(await call(home as never, socket, "go", "away")).toMatchObject({ result: expect.any(String) });
  }
  expect(Object.keys(away.state.players())).toHaveLength(3);
  expect(away.core.sessions.isPrivate("id")).toBe(true);
  home.crash();
  for (const [name, claims] of people.toReversed()) {
    const back = await home.connect("id", claims);
    expect(await call(home as never, back, "read")).toMatchObject({ result: name });
  }
  expect(Object.keys(away.state.players())).toEqual([]);
  expect([...home.storage.rows.keys()].filter((key) => key.startsWith("$departed:"))).toEqual([]);
});

it("a user without a token returns, although a user with a token used the id meanwhile", async () => {
  const { home } = twoRooms();
  const zed = await home.connect("id");
  await call(home as never, zed, "name", "Zed");
  await call(home as never, zed, "go", "away");
  await home.connect("id", { sub: "eve" });
  const back = await home.connect("id");
  expect(await call(home as never, back, "read")).toMatchObject({ result: "Zed" });
});

it("a transfer token does not work for another user, and still works for its own afterwards", async () => {
  const { home, away } = twoRooms();
  const ann = await annAt(home);
  const { result } = await call(home as never, ann, "go", "away");
  for (const [, claims] of STRANGERS) {
    for (const id of [undefined, "anns-id"]) {
      expect((await away.connect(id, claims, result as string)).closedWith?.code).toBe(4403);
    }
  }
  const arrived = await away.connect(undefined, ANN, result as string);
  expect(await call(away as never, arrived, "read")).toMatchObject({ result: "Ann" });
});

it("a record of 0.1.0 has only the id that left: its user returns", async () => {
  const { home, away } = twoRooms();
  const ann = await annAt(home);
  await call(home as never, ann, "go", "away");
  const { value, until } = home.storage.rows.get("$departed:anns-id") as Record<"value" | "until", never>;
  const { to, transferId } = value as Record<string, unknown>;
  home.storage.rows.set("$departed:anns-id", { value: { to, transferId }, until });
  home.crash();
  const back = await home.connect("anns-id", ANN);
  expect(await call(home as never, back, "read")).toMatchObject({ result: "Ann" });
  expect(Object.keys(away.state.players())).toEqual([]);
});
