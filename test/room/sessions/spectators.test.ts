import { signal } from "@signe/reactive";
import { describe, expect, it, vi } from "vitest";
import { overviewOf } from "../../../src/platform/object-report.ts";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { collection, connected, sync } from "../../../src/state/fields.ts";
import { byKey } from "../../../src/state/visibility-keys.ts";
import { testRoom } from "../../support/harness.ts";

class Player {
  score = sync(signal(0));
  hand = sync(signal<string[]>(["ace"]), { visibleTo: "owner" });
  online = connected();
}
const hooks: string[] = [];
const definition = defineRoom({
  path: "room-{id}",
  throttleSync: 0,
  maxUsers: 1,
  spectators: true,
  sessionExpiryTime: 0,
  state: () => ({
    phase: sync(signal("waiting")),
    // Both predicates would show the field to a client that has no entry, such as a spectator.
    forOthers: sync(signal("hidden"), { visibleTo: ({ user }) => user === undefined }),
    forAll: sync(signal("hidden"), { visibleTo: () => true }),
    vault: collection(() => ({ text: sync(signal("secret")) }), { visibleTo: () => true }),
    players: users(Player),
  }),
  actions: {
    begin: {
      run({ state, user }) {
        state.phase.set("playing");
        state.forAll.set("still hidden");
        state.vault()["a"] = { text: sync(signal("a")) };
        user.score.set(1);
        user.hand.set(["king"]);
      },
    },
    end: {
      run({ state }) {
        state.phase.set("over");
        delete state.vault()["a"];
      },
    },
    shout: { run: ({ room }) => room.broadcast({ type: "shout", value: "hi" }) },
    connections: {
      run: ({ room }) => room.connections.map(({ isSpectator }) => (isSpectator ? "spectator" : "user")).toSorted(),
    },
    list: { run: ({ room }) => room.setListing({ open: true }) },
    send: { run: ({ room }) => room.connections.find(({ isSpectator }) => isSpectator)?.send({ type: "only you" }) },
    kick: { run: ({ room }) => room.connections.find(({ isSpectator }) => isSpectator)?.close(4000, "enough") },
    transfer: {
      run: ({ room }) => room.sessionTransfer(room.connections.find((one) => one.isSpectator) as never, "room-2"),
    },
    destroy: { run: ({ room }) => room.destroy() },
  },
  unhandledAction: { run: () => "unhandled" },
  onJoin: () => void hooks.push("join"),
  onLeave: () => void hooks.push("leave"),
  onExpire: () => void hooks.push("expire"),
});
const watch = { query: "spectator=1" };

describe("spectators", () => {
  it("P2.9: see what is visible to all, and nothing that depends on the viewer", async () => {
    const room = testRoom(definition);
    const user = await room.connect();
    const spectator = await room.connect(watch);
    const { publicId } = user;
    expect(spectator.state).toEqual({ phase: "waiting", players: { [publicId]: { score: 0, online: true } } });
    expect(spectator.publicId).not.toBe(publicId);
    await user.call("begin");
    await spectator.sees((state: { phase: string }) => state.phase === "playing");
    await user.call("shout");
    await spectator.until(({ type }) => type === "shout");
    expect(spectator.state).toEqual({ phase: "playing", players: { [publicId]: { score: 1, online: true } } });
    await user.call("end");
    await spectator.sees((state: { phase: string }) => state.phase === "over");
    expect(spectator.texts.join()).not.toMatch(/secret|hidden|king|ace|delete/);
  });

  it("P2.9: take no place, and are not reported to others or to hooks", async () => {
    hooks.length = 0;
    const room = testRoom(definition);
    const spectators = await Promise.all([room.connect(watch), room.connect(watch), room.connect(watch)]);
    const user = await room.connect({ id: "ada" });
    expect(await (await room.open()).closed).toMatchObject({ code: 4503 });
    expect(Object.keys((user.state as { players: object }).players)).toEqual([user.publicId]);
    expect((await user.call("connections")).value["result"]).toEqual(["spectator", "spectator", "spectator", "user"]);
    await user.call("list");
    const { users: listed, sessions } = await room.inside(async (_state, core) => ({
      users: core.listing.read("world-default")?.users,
      sessions: [...core.sessions.all()].length,
    }));
    expect([listed, sessions]).toEqual([1, 1]);
    for (const spectator of spectators) spectator.close();
    const connections = () => room.inside((_state, core) => overviewOf(core.parts).connections);
    await vi.waitFor(async () => expect(await connections()).toBe(1));
    expect(hooks).toEqual(["join"]);
    expect(user.packets.filter(({ type }) => type === "user_disconnected")).toEqual([]);
  });

  it("P2.9: may do nothing, and cannot be transferred", async () => {
    const room = testRoom(definition);
    const user = await room.connect();
    const spectator = await room.connect(watch);
    for (const action of ["begin", "anything"]) expect((await spectator.call(action)).value["code"]).toBe("forbidden");
    expect((await user.call("transfer")).value["code"]).toBe("forbidden");
    expect((await user.call("begin")).type).toBe("ack");
  });

  it("P2.9: are allowed only if the definition says so", async () => {
    const room = testRoom(defineRoom({ path: "room-{id}", state: () => ({ players: users(Player) }) }));
    expect(await (await room.open(watch)).closed).toMatchObject({
      code: 4403,
      reason: "This room does not allow spectators",
    });
    await room.connect({ query: "spectator=" });
  });

  it("do not recall or take over the user whose id they use", async () => {
    const room = testRoom(definition);
    const user = await room.connect({ id: "ada" });
    const spectator = await room.connect({ ...watch, id: "ada" });
    expect(spectator.publicId).not.toBe(user.publicId);
    spectator.close();
    await user.call("begin");
    expect((user.state as { players: Record<string, { online: boolean }> }).players[user.publicId]?.online).toBe(true);
  });

  it("continue to watch through hibernation, and their messages are refused", async () => {
    const room = testRoom(definition);
    const spectator = await room.connect(watch);
    const user = await room.connect();
    await room.evict();
    await user.call("begin");
    await spectator.sees((state: { phase: string }) => state.phase === "playing");
    expect((await spectator.call("begin")).value["code"]).toBe("forbidden");
    await room.evict();
    await user.call("end");
    await spectator.sees((state: { phase: string }) => state.phase === "over");
    expect(spectator.texts.join()).not.toMatch(/secret|hidden|king|ace|delete/);
    expect((await user.call("connections")).value["result"]).toEqual(["spectator", "user"]);
  });

  it("P4.11: of protocol 2 get the whole state when they reconnect", async () => {
    const room = testRoom(definition);
    const user = await room.connect();
    const first = await room.connect({ query: "spectator=1&protocol=2" });
    const { epoch, seq } = JSON.parse(first.texts[0] ?? "") as { epoch: string; seq: number };
    await user.call("begin");
    first.close();
    const again = await room.connect({ query: `spectator=1&protocol=2&since=${seq}&epoch=${epoch}` });
    expect(again.packets[0]).toMatchObject({ value: { phase: "playing" } });
    await user.call("end");
    await again.sees((state: { phase: string }) => state.phase === "over");
    expect(again.texts.join()).not.toMatch(/secret|hidden|king|ace/);
  });

  it("alone in a new room see a state that is kept", async () => {
    const room = testRoom(
      defineRoom({
        path: "room-{id}",
        spectators: true,
        state: () => ({ seed: sync(signal(Math.random())), players: users(Player) }),
      }),
    );
    const { seed } = (await room.connect(watch)).state as { seed: number };
    await room.inside((_state, core) => core.handle.flush());
    await room.crash();
    expect(((await room.connect(watch)).state as { seed: number }).seed).toBe(seed);
  });

  it("get their own packets, can be closed, and are closed when the room is destroyed", async () => {
    const room = testRoom(definition);
    const user = await room.connect();
    const [one, other] = [await room.connect(watch), await room.connect(watch)];
    await user.call("send");
    await one.until(({ type }) => type === "only you");
    await user.call("kick");
    expect(await one.closed).toMatchObject({ code: 4000 });
    await user.call("destroy");
    expect(await other.closed).toMatchObject({ code: 4410 });
  });

  it("see no entries with keyed visibility", async () => {
    const monster = () => ({ zone: sync(signal(1)), hp: sync(signal(10)) });
    const zoned = defineRoom({
      path: "room-{id}",
      throttleSync: 0,
      spectators: true,
      state: () => ({
        count: sync(signal(0)),
        players: users(Player),
        monsters: collection(monster, {
          visibleTo: byKey<ReturnType<typeof monster>>({ of: ({ zone }) => zone(), for: () => 1 }),
        }),
      }),
      actions: {
        spawn: {
          run({ state }) {
            state.monsters()["orc"] = monster();
            state.count.set(1);
          },
        },
        near: {
          run: ({ state, room }) => room.broadcast({ type: "roar" }, { near: state.monsters()["orc"] as object }),
        },
        shout: { run: ({ room }) => room.broadcast({ type: "shout" }) },
      },
    });
    const room = testRoom(zoned);
    const user = await room.connect();
    const spectator = await room.connect(watch);
    await user.call("spawn");
    await user.call("near");
    await user.until(({ type }) => type === "roar");
    await user.call("shout");
    await spectator.until(({ type }) => type === "shout");
    expect((user.state as { monsters?: object }).monsters).toEqual({ orc: { zone: 1, hp: 10 } });
    expect(spectator.texts.join()).not.toMatch(/orc|roar/);
    await room.evict();
    await user.call("shout");
  });
});
