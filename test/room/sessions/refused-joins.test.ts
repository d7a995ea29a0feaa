import { computed, signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { overviewOf } from "../../../src/platform/object-report.ts";
import { defineRoom } from "../../../src/define/define-room.ts";
import { RoomError } from "../../../src/protocol/errors.ts";
import { users } from "../../../src/app/users.ts";
import { collection, connected, persist, sync } from "../../../src/state/fields.ts";
import { MemoryRoom } from "../../support/memory.ts";

class Item {
  label = sync(signal("sword"));
}

class Player {
  name = sync(signal("nobody"));
  online = connected();
  hand = sync(signal("ace"), { visibleTo: "owner" });
  rank = sync(signal("king"), { visibleTo: ({ publicId }) => publicId !== "" });
  note = persist(signal("a note"));
  items = collection(Item);
}

class State {
  players = users(Player);
  count = sync(computed(() => Object.keys(this.players()).length));
}

/** A room whose `onJoin` requires a password. It waits for the test if the client's URL has `slow`. */
function scene({ maxUsers = Infinity, throttleStorage = 0 } = {}) {
  const left: string[] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const { compiled } = defineRoom({
    path: "r",
    throttleStorage,
    maxUsers,
    state: () => new State(),
    actions: { rename: { run: ({ user }, name) => user.name.set(name as string) } },
    async onJoin({ user, state, room, conn, request }) {
      const { searchParams } = new URL(request.url);
      // Handlers find the user's entry in the state during onJoin.
      expect(state.players()[conn.publicId]).toBe(user);
      expect(user.online()).toBe(
        user.name() === "nobody" ||
          [...room.connections].some((other) => other !== conn && other.publicId === conn.publicId),
      );
      user.name.set("Mallory");
      user.items()["s"] ??= new Item();
      if (searchParams.has("slow")) {
        const gate = Promise.withResolvers<void>();
        gates.push(gate);
        await gate.promise;
      }
      if (searchParams.has("close")) conn.close(4000, "wrong password");
      if (searchParams.has("wrong")) throw new RoomError("forbidden", "Wrong password");
    },
    onLeave: ({ user }) => void left.push(user.name()),
  });
  const room = new MemoryRoom<State>(compiled);
  const join = (id: string, query = "") => room.connect(id, null, undefined, query);
  const openGate = () => gates.shift()?.resolve();
  return { room, left, join, openGate };
}

async function settle(): Promise<void> {
  for (let step = 0; step < 30; step++) await Promise.resolve();
}

const rowsOf = (room: MemoryRoom<State>) => [...room.storage.rows.keys()].toSorted();

describe("a join that onJoin refuses leaves no trace", () => {
  it.each(["wrong", "close", "wrong&slow", "close&slow"])("twenty times (%s)", async (query) => {
    const { room, left, join, openGate } = scene();
    const watcher = await join("host");
    await room.advance(1000);
    const before = { rows: rowsOf(room), texts: watcher.texts.length, writes: room.storage.writes };
    for (let index = 0; index < 20; index++) {
      const joining = join(`guest-${index}`, query);
      await settle();
      openGate();
      expect((await joining).closedWith?.code).toBe(query.startsWith("close") ? 4000 : 4403);
    }
    await room.advance(1000);
    expect(Object.keys(room.state.players())).toHaveLength(1);
    // Computed fields may have been sent, but nothing of the refused entries.
    expect(watcher.texts.slice(before.texts).filter((text) => /Mallory|sword|players|disconnected/.test(text))).toEqual(
      [],
    );
    expect(overviewOf(room.core.parts)).toMatchObject({ users: 1, sessions: 1 });
    expect(rowsOf(room)).toEqual(before.rows);
    expect(room.storage.writes).toBe(before.writes);
    expect(left).toEqual(query.startsWith("close") ? Array.from({ length: 20 }, () => "Mallory") : []);
  });

  it("in an empty room", async () => {
    const { room, join } = scene();
    await join("mallory", "wrong");
    await room.advance(5000);
    expect(rowsOf(room)).toEqual([]);
  });

  it("of a user who was here before: they stay offline", async () => {
    const { room, left, join } = scene();
    const watcher = await join("host");
    room.disconnect(await join("ada"));
    const session = room.core.sessions.find("ada");
    const since = session?.offlineSince;
    await room.advance(10_000);
    left.length = 0;
    const texts = watcher.texts.length;
    expect((await join("ada", "wrong")).closedWith?.code).toBe(4403);
    await room.advance(1000);
    expect(room.core.sessions.find("ada")?.offlineSince).toBe(since);
    expect(watcher.texts.slice(texts)).toEqual([]);
    expect(left).toEqual([]);
    expect(Object.keys(room.state.players())).toHaveLength(2);
  });

  it("if its user's entry was removed, and the session is still known", async () => {
    const { room, join } = scene();
    const watcher = await join("host");
    room.disconnect(await join("ada"));
    room.change(({ players }) => {
      const gone = room.core.sessions.find("ada")?.publicId as string;
      delete players()[gone];
    });
    const texts = watcher.texts.length;
    await join("ada", "wrong");
    await room.advance(1000);
    expect(Object.keys(room.state.players())).toHaveLength(1);
    expect(watcher.texts.slice(texts).join()).not.toContain("Mallory");
  });
});

describe("a user whose onJoin is not done", () => {
  it("is visible to others only when it is done, with the values at that time", async () => {
    const { room, join, openGate } = scene();
    const watcher = await join("host");
    const joining = join("ada", "slow");
    await settle();
    const second = await join("eve");
    const third = await room.connect("late", null, undefined, "protocol=2");
    await room.advance(1000);
    const publicId = room.core.sessions.find("ada")?.publicId as string;
    for (const { texts } of [watcher, second, third]) expect(texts.join()).not.toContain(publicId);
    expect(overviewOf(room.core.parts).users).toBe(3);
    openGate();
    const ada = await joining;
    await room.advance(1000);
    const expected = { name: "Mallory", online: true, rank: "king", items: { s: { label: "sword" } } };
    for (const { clients } of [watcher, second]) {
      expect(clients[0]?.state).toMatchObject({ players: { [publicId]: expected } });
    }
    expect(watcher.texts.slice(1).join()).not.toContain("ace");
    expect(ada.clients[0]?.state).toMatchObject({ players: { [publicId]: { ...expected, hand: "ace" } } });
    // The entry is stored after onJoin.
    room.crash();
    expect(room.state.players()[publicId]?.note()).toBe("a note");
    expect(room.state.players()[publicId]?.items()["s"]?.label()).toBe("sword");
  });

  it("is gone after a crash", async () => {
    const { room, join } = scene({ throttleStorage: 0 });
    await join("host");
    void join("ada", "slow");
    await settle();
    await room.advance(2000);
    room.crash();
    expect(room.core.sessions.find("ada")).toBeUndefined();
    expect(Object.keys(room.state.players())).toHaveLength(1);
    expect(rowsOf(room).filter((key) => key.startsWith("players."))).toHaveLength(2);
  });

  it("takes a place, which is free again after a refusal", async () => {
    const { join, openGate } = scene({ maxUsers: 1 });
    const joining = join("ada", "slow&wrong");
    await settle();
    expect((await join("eve")).closedWith?.code).toBe(4503);
    const again = join("ada", "slow");
    await settle();
    openGate();
    expect((await joining).closedWith?.code).toBe(4403);
    // The second connection of the same user is still joining.
    expect((await join("eve")).closedWith?.code).toBe(4503);
    openGate();
    expect((await again).isOpen).toBe(true);
  });

  it("is accepted through one connection, though another one is refused", async () => {
    const { room, join, openGate } = scene();
    const refused = join("ada", "slow&wrong");
    const letIn = await join("ada");
    await settle();
    openGate();
    expect((await refused).closedWith?.code).toBe(4403);
    await room.core.message(letIn, JSON.stringify({ action: "rename", value: "Ada", id: 1 }));
    expect(Object.values(room.state.players()).map(({ name, online }) => [name(), online()])).toEqual([["Ada", true]]);
  });

  it("is offline afterwards if their client disconnects meanwhile", async () => {
    const { room, left, join, openGate } = scene();
    const watcher = await join("host");
    const joining = join("ada", "slow");
    await settle();
    const conn = [...room.core.handle.connections].find(({ sessionId }) => sessionId === "ada");
    (conn as unknown as { closed(): void }).closed();
    await settle();
    expect(left).toEqual([]);
    openGate();
    await joining;
    await room.advance(1000);
    expect(left).toEqual(["Mallory"]);
    expect(room.core.sessions.find("ada")?.offlineSince).toBeDefined();
    const publicId = room.core.sessions.find("ada")?.publicId as string;
    expect(watcher.clients[0]?.state).toMatchObject({ players: { [publicId]: { online: false } } });
  });
});

describe("a transferred user whom onJoin refuses", () => {
  const passenger = {
    transferId: "t1",
    sessionId: "ada",
    publicId: "adas-public-id",
    sub: undefined,
    user: { name: "Ada", note: "from there", items: {} },
    state: undefined,
  };

  it("may try again with the same token, and return", async () => {
    const { room } = scene();
    const answer = await room.core.board(passenger);
    const token = answer.ok ? answer.token : "";
    expect((await room.connect("ada", null, token, "wrong")).closedWith?.code).toBe(4403);
    expect(room.core.sessions.find("ada")?.expectedUntil).toBeDefined();
    const back = await room.core.recall("t1", "ada");
    expect(back).toMatchObject({ arrived: false, passenger: { user: { note: "from there" } } });
  });

  it("has arrived while their join is in progress: the other room releases them", async () => {
    const { room, openGate } = scene();
    const answer = await room.core.board(passenger);
    const joining = room.connect("ada", null, answer.ok ? answer.token : "", "slow");
    await settle();
    expect(await room.core.recall("t1", "ada")).toEqual({ arrived: true, passenger: null });
    openGate();
    expect((await joining).isOpen).toBe(true);
  });

  it("stays if the transfer arrives while their own first join waits", async () => {
    const { room, join, openGate } = scene();
    const joining = join("ada", "slow&wrong");
    await settle();
    expect(await room.core.board(passenger)).toMatchObject({ ok: true });
    openGate();
    expect((await joining).closedWith?.code).toBe(4403);
    room.crash();
    expect(Object.values(room.state.players()).map(({ note }) => note())).toEqual(["from there"]);
    expect(room.core.sessions.find("ada")?.transferId).toBe("t1");
  });
});
