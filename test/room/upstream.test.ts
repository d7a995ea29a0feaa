import { computed, signal } from "@signe/reactive";
import { describe, expect, it, vi } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { collection, connected, sync } from "../../src/state/fields.ts";
import { testRoom } from "../support/harness.ts";
import { MemoryRoom } from "../support/memory.ts";

/** Cases of the tests of `@signe/room` and `@signe/sync` that no other test covers: see docs/upstream-cases.md. */

class Player {
  online = connected();
  score = sync(signal(0), { transform: (score) => score * 10 });
}
type Seen = { players: Record<string, { online: boolean; score: number }> };

describe("as in @signe/room", () => {
  const seen: unknown[] = [];
  const definition = defineRoom({
    path: "room-{id}",
    throttleSync: 0,
    state: () => ({ players: users(Player), log: sync(signal<string[]>([])) }),
    actions: {
      score: { run: ({ user }, value) => user.score.set(value as number) },
      known: { run: () => "known" },
      fail: { guards: [() => false], run: () => "ran" },
      pass: { guards: [() => true], run: () => "ran" },
      both: { guards: [() => true, () => false], run: () => "ran" },
      order: { guards: [(_, value) => seen.push(["action", value]) > 0], run: () => "ran" },
    },
    guards: [({ conn }, value) => seen.push(["room", conn !== undefined, value]) > 0],
    unhandledAction: { run: () => "fallback" },
    onJoin({ user, state, conn, request }) {
      const what = [user.score(), conn.publicId in state.players(), new URL(request.url).searchParams.get("as")];
      state.log.update((log) => [...log, `joined ${what.join(" ")}`]);
    },
    onLeave({ user, state, conn }) {
      state.log.update((log) => [...log, `left ${user.online()} ${conn.publicId}`]);
    },
  });

  it("hooks get the user, who is already offline in onLeave, the connection and the request", async () => {
    const room = testRoom(definition);
    const watcher = await room.connect();
    const client = await room.connect({ query: "as=guest" });
    expect((watcher.state as { log: string[] }).log.at(-1)).toBe("joined 0 true guest");
    client.close();
    await watcher.sees(({ log }: { log: string[] }) => log.at(-1) === `left false ${client.publicId}`);
  });

  it("a client without an id is a user of its own, and the record has all of them, each with its own values", async () => {
    const room = testRoom(definition);
    const [one, two] = [await room.connect(), await room.connect()];
    expect(one.publicId).not.toBe(two.publicId);
    await Promise.all([one.call("score", 1), two.call("score", 2)]);
    await one.sees(({ players }: Seen) => players[one.publicId]?.score === 10 && players[two.publicId]?.score === 20);
    two.close();
    await one.sees(({ players }: Seen) => players[one.publicId]?.online === true && !players[two.publicId]?.online);
  });

  it("a user who reconnects is the same user, with all values, and is online again", async () => {
    const room = testRoom(definition);
    const watcher = await room.connect();
    const client = await room.connect({ id: "ada" });
    await client.call("score", 7);
    client.close();
    await watcher.sees(({ players }: Seen) => players[client.publicId]?.online === false);
    const again = await room.connect({ id: "ada" });
    expect(again.publicId).toBe(client.publicId);
    await watcher.sees(({ players }: Seen) => players[client.publicId]?.online === true);
    expect((again.state as Seen).players[client.publicId]?.score).toBe(70);
  });

  it("several sockets of one session are one user, who leaves when the last of them closes", async () => {
    const room = testRoom(definition);
    const watcher = await room.connect();
    const [one, two] = [await room.connect({ id: "ada" }), await room.connect({ id: "ada" })];
    await two.call("score", 3);
    await one.sees(({ players }: Seen) => players[one.publicId]?.score === 30);
    one.close();
    await one.closed;
    await two.call("known");
    expect((watcher.state as Seen).players[two.publicId]?.online).toBe(true);
    two.close();
    await watcher.sees(({ players }: Seen) => players[two.publicId]?.online === false);
  });

  it("a known action does not go to the fallback, and each guard of an action has to pass, after the room's", async () => {
    const client = await testRoom(definition).connect();
    const outcomes = ["known", "unknown", "pass", "fail", "both"].map((action) => client.call(action));
    const values = (await Promise.all(outcomes)).map(({ value }) => value["result"] ?? value["code"]);
    expect(values).toEqual(["known", "fallback", "ran", "forbidden", "forbidden"]);
    seen.length = 0;
    await client.call("order", 5);
    expect(seen).toEqual([
      ["room", true, 5],
      ["action", 5],
    ]);
  });

  it("a user whose session expired is deleted at the clients", async () => {
    const { compiled } = definition;
    const room = new MemoryRoom<{ players(): Record<string, Player> }>(compiled);
    const watcher = await room.connect("bob");
    const ada = await room.connect("ada");
    const [adas = ""] = Object.keys(room.state.players()).slice(-1);
    room.disconnect(ada);
    await room.advance(299_000);
    expect(Object.keys(room.state.players())).toContain(adas);
    await room.advance(2000);
    expect(watcher.texts.at(-1)).toContain(`"${adas}":"$delete"`);
    expect([...room.storage.rows.keys()].join()).not.toContain("ada");
  });

  it("a session with a connection does not expire, and one that is resumed in time continues", async () => {
    const room = new MemoryRoom<{ players(): Record<string, Player> }>(definition.compiled);
    await room.connect("bob");
    const ada = await room.connect("ada");
    await room.advance(900_000);
    const before = Object.keys(room.state.players());
    room.disconnect(ada);
    await room.advance(200_000);
    await room.connect("ada");
    await room.advance(900_000);
    expect(Object.keys(room.state.players())).toEqual(before);
  });
});

describe("as in @signe/sync", () => {
  class Item {
    count = sync(signal(1), { transform: (count) => count * 10 });
    label = sync(computed(() => `Count: ${this.count()}`));
  }
  const scene = async () => {
    const state = () => {
      const first = sync(signal("ada"));
      const full = computed(() => `${first()} lovelace`);
      return {
        first,
        loud: sync(
          computed(() => full().toUpperCase()),
          { transform: (text) => `${text}!` },
        ),
        number: sync(signal("7"), { transform: Number }),
        whole: sync(signal<Record<string, number>>({ a: 1 }), { transform: (value) => ({ ...value, seen: true }) }),
        doubled: sync(signal([1, 2]), { transform: (list) => list.map((item) => 2 * item) }),
        items: collection(Item),
      };
    };
    const room = new MemoryRoom<ReturnType<typeof state>>(defineRoom({ path: "r", throttleSync: 0, state }).compiled);
    const socket = await room.connect("ada");
    return { room, sees: () => socket.clients[0]?.state as Record<string, unknown>, socket };
  };

  it("transforms change the values of fields, computed fields, objects, arrays, and fields of entries", async () => {
    const { room, sees } = await scene();
    expect(sees()).toMatchObject({ number: 7, whole: { a: 1, seen: true }, doubled: [2, 4] });
    room.change(({ number, whole, doubled, items }) => {
      number.set("42");
      whole.mutate((value) => (value["b"] = 2));
      doubled().push(5);
      items()["sword"] = new Item();
    });
    expect(sees()).toMatchObject({
      number: 42,
      whole: { a: 1, b: 2, seen: true },
      doubled: [2, 4, 10],
      items: { sword: { count: 10, label: "Count: 1" } },
    });
    room.change(({ items }) => delete items()["sword"]);
    expect(sees()).not.toHaveProperty("items.sword");
  });

  it("computed fields follow everything that others read for them, also in entries", async () => {
    const { room, sees } = await scene();
    room.change(({ first, items }) => {
      first.set("grace");
      items()["sword"] = new Item();
    });
    room.change(({ items }) => items()["sword"]?.count.set(3));
    expect(sees()).toMatchObject({ loud: "GRACE LOVELACE!", items: { sword: { count: 30, label: "Count: 3" } } });
  });

  it("an entry that is not part of the state is not sent, whatever is set in it", async () => {
    const { room, socket } = await scene();
    const before = socket.texts.length;
    room.change(() => new Item().count.set(9));
    expect(socket.texts).toHaveLength(before);
  });

  it("nothing is stored if nothing changed", async () => {
    const { room } = await scene();
    await room.advance(5000);
    const put = vi.spyOn(room.storage, "put");
    room.change(() => {});
    await room.advance(5000);
    expect(put).not.toHaveBeenCalled();
  });
});
