import { signal } from "@signe/reactive";
import { describe, expect, it, vi } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { collection, connected, id, persist, sync } from "../../../src/state/fields.ts";
import { TestRoom, token } from "../../support/harness.ts";
import type { TransferredUser } from "../../../src/room/transfers/messages.ts";
import { MemoryRoom } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";

class Player {
  id = id();
  gold = sync(signal(0));
  secret = persist(signal("none"));
  online = connected();
  items = collection(() => ({ count: sync(signal(1)) }));
}
type Seen = {
  players: Record<string, { gold: number; online: boolean; items: Record<string, { count: number }> }>;
  left: number;
};
let isBroken = false;

const definition = defineRoom({
  path: "room-{id}",
  maxUsers: 2,
  throttleSync: 0,
  throttleStorage: 0,
  state: () => ({ players: users(Player), left: sync(signal(0)) }),
  actions: {
    earn: { run: ({ user }, gold) => user.gold.update((old) => old + (gold as number)) },
    pack: { run: ({ user }) => void (user.items()["sword"] = { count: sync(signal(3)) }) },
    secret: { run: ({ user }) => user.secret() },
    learn: { run: ({ user }, secret) => user.secret.set(secret as string) },
    keep: { run: ({ conn }, state) => conn.setState(state) },
    kept: { run: ({ conn }) => conn.state },
    go: {
      run: async ({ room, conn }, target) => ({ transferToken: await room.sessionTransfer(conn, target as string) }),
    },
    ask: { run: async ({ room }, target) => (await room.fetch(target as string, "/who")).json() },
  },
  requests: { "GET /who": { run: ({ room, auth }) => ({ id: room.id, auth }) } },
  onSessionRestore({ userSnapshot, user, publicId, privateId, room }) {
    if (isBroken) throw new Error("hunter2");
    expect(user).toBeInstanceOf(Player);
    expect([publicId.length > 0, privateId.length > 0]).toEqual([true, true]);
    return { ...userSnapshot, gold: (userSnapshot["gold"] as number) + (room.id === "room-bonus" ? 1000 : 0) };
  },
  onLeave: ({ state }) => state.left.update((left) => left + 1),
});

/** A user who arrives from another room. */
const ada: TransferredUser = {
  transferId: "t",
  sessionId: "ada",
  publicId: "p",
  sub: undefined,
  user: { gold: 5 },
  state: null,
};

/** Rooms of the same party. */
function rooms(...ids: string[]): TestRoom[] {
  const [first, ...others] = ids as [string, ...string[]];
  const origin = new TestRoom(definition, first);
  return [origin, ...others.map((other) => origin.sibling(other))];
}
const tokenOf = (packet: { value: Record<string, unknown> }) =>
  (packet.value["result"] as { transferToken: string }).transferToken;

describe("sessionTransfer", () => {
  it("moves everything that is stored of a user, and the connection state, to the other room", async () => {
    const [a, b] = rooms("room-a", "room-b") as [TestRoom, TestRoom];
    const client = await a.connect({ id: "ada" });
    const watcher = await a.connect({ id: "bob" });
    await client.call("earn", 7);
    await client.call("pack");
    await client.call("learn", "xyzzy");
    await client.call("keep", { theme: "dark" });
    const transferToken = tokenOf(await client.call("go", "room-b"));
    await watcher.sees((state: Seen) => !(client.publicId in state.players) && state.left === 1);
    expect((await client.call("earn", 1)).value).toMatchObject({ code: "forbidden" });

    const there = await b.connect({ query: `transferToken=${transferToken}` });
    expect(there.publicId).toBe(client.publicId);
    expect(there.state as Seen).toMatchObject({
      players: { [there.publicId]: { gold: 7, online: true, items: { sword: { count: 3 } } } },
    });
    expect((await there.call("secret")).value["result"]).toBe("xyzzy");
    expect((await there.call("kept")).value["result"]).toEqual({ theme: "dark" });
    const names = new Set(["ada", client.publicId]);
    // Compare whole parts of keys, because a random id may contain "ada" too.
    const left = async () =>
      Object.keys(await a.stored()).filter((key) => key.split(/[:.]/).some((part) => names.has(part)));
    // The room remembers where the user went until they have arrived.
    await vi.waitFor(async () => expect(await left()).toEqual([]));
  });

  it("a page that never closes its old connection is never in two rooms", async () => {
    const [a, b] = rooms("room-a", "room-b") as [TestRoom, TestRoom];
    const page = await a.connect({ id: "ada" });
    const watcher = await a.connect({ id: "bob" });
    const transferToken = tokenOf(await page.call("go", "room-b"));
    const texts = page.texts.length;
    const there = await b.connect({ id: "ada", query: `transferToken=${transferToken}` });
    const online = async (room: TestRoom) =>
      room.inside((state) =>
        Object.entries((state as { players(): Record<string, Player> }).players()).flatMap(([id, { online }]) =>
          online() ? [id] : [],
        ),
      );
    for (let slept = 0; slept < 2; slept++) {
      await watcher.call("earn", 1);
      expect((await page.call("earn", 1)).value).toMatchObject({ code: "forbidden" });
      expect(await online(a)).toEqual([watcher.publicId]);
      expect(await online(b)).toEqual([there.publicId]);
      await a.evict();
    }
    // After the transfer, the old connection only received answers to its messages.
    expect(page.texts.slice(texts).every((text) => text.startsWith('{"type":"error"'))).toBe(true);
  });

  it("a user who returns without having arrived is as they were when they left", async () => {
    const [a, b] = rooms("room-a", "room-b") as [TestRoom, TestRoom];
    const client = await a.connect({ id: "ada" });
    await client.call("earn", 7);
    const transferToken = tokenOf(await client.call("go", "room-b"));
    const back = await a.connect({ id: "ada" });
    expect((back.state as Seen).players[back.publicId]?.gold).toBe(7);
    expect(back.publicId).toBe(client.publicId);
    expect(await b.inside((state) => Object.keys((state as { players(): object }).players()))).toEqual([]);
    expect((await (await b.open({ query: `transferToken=${transferToken}` })).closed).code).toBe(4403);
    // The user can leave again.
    await b.connect({ query: `transferToken=${tokenOf(await back.call("go", "room-b"))}` });
  });

  it("a user who returns with the URL of their first arrival is unchanged, though its token is used", async () => {
    const [a, b] = rooms("room-a", "room-b") as [TestRoom, TestRoom];
    const client = await a.connect({ id: "ada" });
    await client.call("earn", 7);
    const url = { id: "ada", query: `transferToken=${tokenOf(await client.call("go", "room-b"))}` };
    const there = await b.connect(url);
    await there.call("go", "room-a");
    // Continue as if the client had not received the answer.
    const back = await b.connect(url);
    expect((back.state as Seen).players[back.publicId]?.gold).toBe(7);
    expect(back.publicId).toBe(client.publicId);
  });

  it("the token of a cancelled transfer does not work if they arrive after all", async () => {
    const [a, b] = rooms("room-a", "room-b") as [TestRoom, TestRoom];
    const client = await a.connect({ id: "ada" });
    const old = tokenOf(await client.call("go", "room-b"));
    const back = await a.connect({ id: "ada" });
    const transferToken = tokenOf(await back.call("go", "room-b"));
    expect((await (await b.open({ query: `transferToken=${old}` })).closed).code).toBe(4403);
    await b.connect({ query: `transferToken=${transferToken}` });
    expect((await (await b.open({ query: `transferToken=${old}` })).closed).code).toBe(4403);
  });

  it("a connection from before they left does not count as arriving, also after hibernation", async () => {
    const [a, b] = rooms("room-a", "room-b") as [TestRoom, TestRoom];
    const stale = await b.connect({ id: "ada" });
    await stale.call("earn", 7);
    await stale.call("go", "room-a");
    const away = await a.connect({ id: "ada" });
    await away.call("earn", 1);
    await away.call("go", "room-b");
    away.close();
    await b.evict();
    const back = await a.connect({ id: "ada" });
    expect(back.state).toMatchObject({ players: { [back.publicId]: { gold: 8 } } });
    await b.inside((state) => {
      expect(Object.keys((state as { players(): object }).players())).toEqual([]);
    });
    stale.close();
  });

  it("finds the user by the same session id too, restored by onSessionRestore", async () => {
    const [a, bonus] = rooms("room-a", "room-bonus") as [TestRoom, TestRoom];
    const client = await a.connect({ id: "ada" });
    await client.call("earn", 7);
    await client.call("go", "room-bonus");
    const there = await bonus.connect({ id: "ada" });
    expect((there.state as Seen).players[there.publicId]?.gold).toBe(1007);
  });

  it("gives a token that works once, only for its session, and for a limited time", async () => {
    const [a, b] = rooms("room-a", "room-b") as [TestRoom, TestRoom];
    const client = await a.connect({ id: "ada" });
    const transferToken = tokenOf(await client.call("go", "room-b"));
    for (const options of [
      { id: "eve", query: `transferToken=${transferToken}` },
      { query: "transferToken=guessed" },
      { id: "eve", query: "transferToken=guessed" },
    ]) {
      expect((await (await b.open(options)).closed).code).toBe(4403);
    }
    const there = await b.connect({ query: `transferToken=${transferToken}` });
    expect((await (await b.open({ query: `transferToken=${transferToken}` })).closed).code).toBe(4403);
    // A client that reconnects uses the same URL.
    const again = await b.connect({ id: "ada", query: `transferToken=${transferToken}` });
    expect(again.publicId).toBe(there.publicId);
  });

  it("the token and the place expire after transferExpiryTime, the user only with their session", async () => {
    const a = new MemoryRoom<{ players(): Record<string, Player> }>(
      defineRoom({ path: "r", transferExpiryTime: 10_000, maxUsers: 1, state: () => ({ players: users(Player) }) })
        .compiled,
    );
    const boarding = await a.core.board(ada);
    if (!boarding.ok) throw new Error("refused");
    const connect = (sessionId: string | undefined, transferToken?: string) =>
      a.connect(sessionId, null, transferToken);
    expect((await connect("stranger")).closedWith?.code).toBe(4503);
    await a.advance(10_001);
    expect((await connect(undefined, boarding.token)).closedWith?.code).toBe(4403);
    const stranger = await connect("stranger");
    expect(stranger.closedWith).toBeUndefined();
    a.disconnect(stranger);
    await connect("ada");
    expect(a.state.players()["p"]?.gold()).toBe(5);
  });

  it.each(["$session:ada", "players.p", "$token:"])("a user who cannot be stored (%s) is refused", async (row) => {
    const room = new MemoryRoom<{ players(): Record<string, Player> }>(definition.compiled);
    await room.connect("bob");
    const before = Object.keys(room.state.players());
    room.storage.fault = (key) => {
      if (key.startsWith(row)) throw new Error("disk full");
    };
    expect(await room.core.board(ada)).toMatchObject({ ok: false, code: "internal" });
    expect(Object.keys(room.state.players())).toEqual(before);
    room.storage.fault = () => {};
    await room.advance(5000);
    expect(room.storage.get("$session:ada")).toBeUndefined();
    expect(await room.core.board(ada)).toMatchObject({ ok: true });
    expect(room.storage.get("players.p")).toMatchObject({ gold: 5 });
  });

  it.each(["$session:ada", "players.p", "$token:", "$moved:old"])(
    "a user who was here already and cannot be stored when they arrive (%s) is unchanged, and the other room keeps the new values",
    async (row) => {
      const room = new MemoryRoom<{ players(): Record<string, Player> }>(definition.compiled);
      await room.core.board({ ...ada, transferId: "old", user: { gold: 1 }, state: "old" });
      room.disconnect(await room.connect("ada"));
      const player = room.state.players()["p"];
      const watcher = await room.connect("bob");
      // Ignore the token of the refused transfer, which is useless and expires, and the record of the earlier transfer.
      // transfer ended.
      const stored = () => [...room.storage.rows].filter(([key]) => !/^\$(token|moved):/.test(key));
      const before = { seen: watcher.clients[0]?.state, stored: new Map(stored()) };
      room.storage.fault = (key) => {
        if (key.startsWith(row)) throw new Error("disk full");
      };
      expect(await room.core.board(ada)).toMatchObject({ ok: false, code: "internal" });
      expect(room.state.players()["p"]).toBe(player);
      expect(player?.gold()).toBe(1);
      room.storage.fault = () => {};
      await room.advance(5000);
      expect(watcher.clients[0]?.state).toEqual(before.seen);
      expect(new Map(stored())).toEqual(before.stored);
      // The other room may send the user again later.
      expect(await room.core.board({ ...ada, transferId: "new" })).toMatchObject({ ok: true });
      await room.connect("ada");
      expect(room.state.players()["p"]?.gold()).toBe(5);
    },
  );

  it.each(["hook", "storage"])(
    "a user who is sent again after a change and refused then (%s) is not here",
    async (why) => {
      const room = new MemoryRoom<{ players(): Record<string, Player> }>(definition.compiled);
      expect(await room.core.board(ada)).toMatchObject({ ok: true });
      isBroken = why === "hook";
      room.storage.fault = (key) => {
        if (why === "storage" && key === "players.p") throw new Error("disk full");
      };
      expect(await room.core.board({ ...ada, user: { gold: 6 } })).toMatchObject({ ok: false });
      isBroken = false;
      room.storage.fault = () => {};
      expect(Object.keys(room.state.players())).toEqual([]);
      await room.advance(5000);
      expect([...room.storage.rows.keys()].filter((key) => /^(players|\$session)/.test(key))).toEqual([]);
    },
  );

  it("a user who has arrived and is sent again is here, even if no token can be stored for them", async () => {
    const room = new MemoryRoom<{ players(): Record<string, Player> }>(definition.compiled);
    await room.core.board(ada);
    await room.connect("ada");
    room.storage.fault = (key) => {
      if (key.startsWith("$token:")) throw new Error("disk full");
    };
    // The other room learns that the user is here when it calls the transfer back.
    await expect(room.core.board(ada)).rejects.toThrow("disk full");
    await expect(room.core.recall("t", "ada")).resolves.toMatchObject({ arrived: true });
  });

  it("a user who leaves for good while others are recalled is not recalled too", async () => {
    const room = new MemoryRoom(definition.compiled);
    room.neighbours.board = () => new Promise(() => {});
    for (const id of ["ada", "bob"]) {
      const socket = await room.connect(id);
      void room.core.message(socket, JSON.stringify({ action: "go", value: "room-b", id: 1 }));
      await vi.waitFor(() => expect(room.storage.get(`$session:${id}`)).toHaveProperty("leaving"));
    }
    room.crash();
    const recalls: string[] = [];
    const { promise, resolve } = Promise.withResolvers<{ arrived: false; passenger: null }>();
    room.neighbours.board = async () => ({ ok: true, token: "t" });
    room.neighbours.recall = async (_to, _transferId, sessionId) => {
      recalls.push(sessionId);
      return sessionId === "ada" ? promise : { arrived: false, passenger: null };
    };
    const bob = await room.connect("bob");
    const ringing = room.ring();
    await room.core.message(bob, JSON.stringify({ action: "go", value: "room-b", id: 2 }));
    expect(bob.texts.at(-1)).toContain('"transferToken":"t"');
    resolve({ arrived: false, passenger: null });
    await ringing;
    expect(recalls.toSorted()).toEqual(["ada", "bob"]);
  });

  it.each([
    ["has not arrived, is called back again by the other", false],
    ["has arrived, does not become somebody else by the other", true],
  ])("a user who is recalled by two connections, leaves again by one and %s", async (_how, hasArrived) => {
    const room = new MemoryRoom<{ players(): Record<string, Player> }>(definition.compiled);
    const answers: ((passenger: TransferredUser | null) => void)[] = [];
    let gone: TransferredUser | undefined;
    room.neighbours.board = async (_to, passenger) => {
      gone = structuredClone(passenger);
      return { ok: true, token: "t" };
    };
    room.neighbours.recall = async (_to, _transferId, _sessionId, isKept) => {
      if (isKept) return { arrived: false, passenger: null };
      return new Promise((resolve) => answers.push((passenger) => resolve({ arrived: !passenger, passenger })));
    };
    const go = async (socket: MemorySocket) =>
      room.core.message(socket, JSON.stringify({ action: "go", value: "room-b", id: 1 }));
    await go(await room.connect("ada"));
    const [first, second] = [room.connect("ada"), room.connect("ada")];
    await vi.waitFor(() => expect(answers).toHaveLength(2));
    answers[0]?.(gone as TransferredUser);
    await go(await first);
    answers[1]?.(gone as TransferredUser);
    // This answer has the state from before the user left again, so the room asks once more.
    await vi.waitFor(() => expect(answers).toHaveLength(3));
    expect(Object.keys(room.state.players())).toEqual([]);
    answers[2]?.(hasArrived ? null : (gone as TransferredUser));
    expect((await second).closedWith?.code).toBe(hasArrived ? 4403 : undefined);
    expect(Object.keys(room.state.players())).toHaveLength(hasArrived ? 0 : 1);
    expect(room.storage.get("$departed:ada")).toBeUndefined();
  });

  it("keeps the subject: a stolen token without it does not work", async () => {
    const [a, b] = rooms("room-a", "room-b") as [TestRoom, TestRoom];
    const client = await a.connect({ id: "ada", token: await token({ sub: "ada" }) });
    const transferToken = tokenOf(await client.call("go", "room-b"));
    expect(
      (await (await b.open({ query: `transferToken=${transferToken}`, token: await token({ sub: "eve" }) })).closed)
        .code,
    ).toBe(4403);
    await b.connect({ id: "ada", token: await token({ sub: "ada" }) });
  });

  it("a place is reserved for a user in transfer; a full room refuses, and the user stays", async () => {
    const [a, b] = rooms("room-a", "room-b") as [TestRoom, TestRoom];
    await b.connect({ id: "x" });
    const ada = await a.connect({ id: "ada" });
    const bob = await a.connect({ id: "bob" });
    await bob.call("earn", 5);
    await ada.call("go", "room-b");
    expect((await (await b.open({ id: "stranger" })).closed).code).toBe(4503);
    expect((await bob.call("go", "room-b")).value).toMatchObject({ code: "room_full" });
    await bob.call("earn", 1);
    expect((bob.state as Seen).players[bob.publicId]?.gold).toBe(6);
    await b.connect({ id: "ada" });
  });

  it("unknown room, same room, target that throws: a typed error, and the user stays where they were", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const [a] = rooms("room-a", "room-b") as [TestRoom, TestRoom];
    const client = await a.connect({ id: "ada" });
    await client.call("earn", 3);
    expect((await client.call("go", "nowhere")).value).toMatchObject({ code: "not_found" });
    expect((await client.call("go", "room-a")).value).toMatchObject({ code: "invalid_input" });
    isBroken = true;
    const { value } = await client.call("go", "room-b");
    isBroken = false;
    expect(value).toMatchObject({ code: "internal" });
    expect(JSON.stringify(value)).not.toContain("hunter2");
    await client.call("earn", 1);
    expect((client.state as Seen).players[client.publicId]?.gold).toBe(4);
    expect(tokenOf(await client.call("go", "room-b"))).toHaveLength(43);
    log.mockRestore();
  });

  it("cannot be called from outside", async () => {
    const [a] = rooms("room-a") as [TestRoom];
    for (const path of ["/board", "/recall", "/transfer", "/sessions"]) {
      expect((await a.fetch(path, { method: "POST", body: "{}" })).status).toBe(404);
    }
  });

  it("room.fetch reaches another room, without claims", async () => {
    const [a] = rooms("room-a", "room-b") as [TestRoom, TestRoom];
    const client = await a.connect({ token: await token({ sub: "ada" }) });
    expect((await client.call("ask", "room-b")).value["result"]).toEqual({ id: "room-b", auth: null });
    expect((await client.call("ask", "nowhere")).value).toMatchObject({ code: "not_found" });
  });
});
