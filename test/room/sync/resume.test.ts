import { signal } from "@signe/reactive";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { collection, sync } from "../../../src/state/fields.ts";
import { expectedView, withoutEmpty } from "../../../src/testing/expected-view.ts";
import { gameState } from "../../support/game-state.ts";
import type { GameState } from "../../support/game-state.ts";
import { MemoryRoom } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";
import { MemoryTree } from "../../support/memory-shards.ts";
import { anyMutation } from "../../support/mutations.ts";
import { ResumingClient as Client } from "./resuming-client.ts";

const item = () => ({ worth: sync(signal(1)) });
const monster = () => ({ hp: sync(signal(10)), name: sync(signal("a monster of some length")) });
const manyState = () => ({
  count: sync(signal(0)),
  list: sync(signal<number[]>([1, 2, 3])),
  monsters: collection(monster),
  players: users(
    class {
      hand = sync(signal<Record<string, number>>({}), { visibleTo: "owner" });
      bag = collection(item, { visibleTo: "owner" });
    },
  ),
});
type Many = ReturnType<typeof manyState>;

function many(count: number): MemoryRoom<Many> {
  const room = new MemoryRoom<Many>(defineRoom({ path: "r", throttleSync: 0, state: manyState }).compiled);
  room.change((state) => {
    for (let index = 0; index < count; index++) state.monsters()[`m${index}`] = monster();
  });
  return room;
}

async function join(room: MemoryRoom<Many>, client: Client, session = "ada"): Promise<MemorySocket> {
  const socket = await room.connect(session, null, undefined, client.query);
  client.connected(socket);
  client.read();
  return socket;
}

describe("P4.11: protocol 2", () => {
  it("numbers patches, and starts with the number in the first packet", async () => {
    const room = many(1);
    const socket = await join(room, new Client());
    const plain = await room.connect("bob");
    room.change((state) => state.count.set(1));
    expect(socket.texts[0]).toMatch(
      /^\{"type":"sync","seq":\d+,"epoch":"[^"]+","mark":\d+,"batch":65536,"value":\{"pId":/,
    );
    expect(socket.texts.at(-1)).toMatch(/^\{"type":"sync","seq":\d+,(?:"mark":\d+,)?"value":\{"count":1\}\}$/);
    expect(plain.texts.join()).not.toMatch(/seq|epoch/);
  });

  it("after a short absence only changes are sent: below 1% of the state, for 5,000 entries", async () => {
    const room = many(5000);
    await room.connect("bob");
    const client = new Client();
    const first = await join(room, client);
    room.disconnect(first);
    room.change((state) => {
      state.monsters()["m17"]?.hp.set(3);
      delete state.monsters()["m18"];
      state.list().shift();
    });
    const second = await join(room, client);
    expect(client.how).toEqual(["whole", "resumed"]);
    const [whole, resumed] = [first.texts[0]?.length ?? 0, second.texts[0]?.length ?? 0];
    expect(resumed / whole).toBeLessThan(0.01);
    const monsters = client.state["monsters"] as Record<string, { hp: number }>;
    expect([monsters["m17"]?.hp, monsters["m18"], client.state["list"]]).toEqual([3, undefined, [2, 3]]);
  });

  /** @param change runs while the client is away @returns the size of the next packet, relative to the first one */
  async function shareSent(room: MemoryRoom<Many>, change: (client: Client) => void): Promise<number> {
    await room.connect("bob");
    const client = new Client();
    const first = await join(room, client);
    change(client);
    const second = await join(room, client);
    expect(client.how.at(-1)).not.toBe("whole");
    expect(withoutEmpty(client.state)).toEqual(viewOf(room, client));
    return (second.texts[0]?.length ?? 0) / (first.texts[0]?.length ?? 0);
  }

  const viewOf = (room: MemoryRoom<Many>, { publicId }: Client) =>
    expectedView(room.state, { publicId, auth: null, user: room.state.players()[publicId] });

  it("costs as little if something was removed that only some could see", async () => {
    const room = many(5000);
    const share = await shareSent(room, (client) => {
      const user = room.state.players()[client.publicId];
      room.change(() => user && (user.bag()["pear"] = item()));
      client.read();
      for (const socket of room.sockets.slice(1)) room.disconnect(socket);
      room.change((state) => {
        delete user?.bag()["pear"];
        state.monsters()["m17"]?.hp.set(3);
      });
    });
    expect(share).toBeLessThan(0.01);
  });

  it("costs as little after a crash, which takes back what was sent and not stored", async () => {
    const room = many(5000);
    const clients = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const client = new Client();
        await join(room, client, `s${index}`);
        return client;
      }),
    );
    // Wait until the state of all clients is stored, and they were told so with the next packet.
    await room.advance(2000);
    room.change((state) => state.count.set(2));
    await room.advance(2000);
    room.change((state) => {
      for (const name of ["m1", "m2", "m3"]) state.monsters()[name]?.hp.set(1);
      delete state.monsters()["m4"];
      state.monsters()["new"] = monster();
    });
    for (const client of clients) client.read();
    expect(clients[0]?.state["monsters"]).toHaveProperty("new");
    const whole = JSON.stringify(clients[0]?.state).length;
    room.crash();
    const sizes: number[] = [];
    for (const [index, client] of clients.entries()) {
      const socket = await join(room, client, `s${index}`);
      sizes.push((socket.texts[0]?.length ?? 0) / whole);
    }
    for (const client of clients) client.read();
    expect(new Set(clients.map((client) => client.how.join()))).toEqual(new Set(["whole,went back"]));
    expect(Math.max(...sizes)).toBeLessThan(0.01);
    for (const client of [clients[0], clients[50], clients[99]] as Client[])
      expect(withoutEmpty(client.state)).toEqual(viewOf(room, client));
  });

  it("private values are sent whole, and replace what was there", async () => {
    const room = many(1);
    const client = new Client();
    const first = await join(room, client);
    const hand = () => room.state.players()[client.publicId]?.hand;
    room.change(() => hand()?.set({ ace: 1, king: 1 }));
    client.read();
    room.disconnect(first);
    room.change(() => hand()?.set({ king: 1 }));
    await join(room, client);
    expect(client.how).toEqual(["whole", "resumed"]);
    expect(client.state["players"]).toEqual({ [client.publicId]: { hand: { king: 1 }, bag: {} } });
  });

  it("continues to count after hibernation, and after a crash the client goes back to the stored state", async () => {
    const room = many(1);
    const client = new Client();
    await join(room, client);
    room.change((state) => state.count.set(1));
    await room.evict();
    room.change((state) => state.count.set(2));
    client.read();
    expect([client.state["count"], client.how]).toEqual([2, ["whole"]]);
    // The client was not told that this change is stored, so it goes back further than necessary.
    room.crash();
    const before = client.epoch;
    await join(room, client);
    expect(client.how).toEqual(["whole", "went back"]);
    expect([client.state["count"], room.state.count()]).toEqual([1, 1]);
    expect(client.epoch).not.toBe(before);
    room.change((state) => state.count.set(3));
    client.read();
    expect(client.state["count"]).toBe(3);
  });

  it("the numbers of an earlier start count for its own clients, also after the next hibernation", async () => {
    const room = many(1);
    const client = new Client();
    await join(room, client);
    room.change((state) => state.count.set(1));
    client.read();
    await room.advance(2000);
    room.crash();
    await room.connect("bob");
    room.change((state) => state.count.set(2));
    await room.evict();
    await join(room, client);
    expect([client.how, client.state["count"]]).toEqual([["whole", "went back"], 2]);
  });

  it("a client that is another user by now gets the whole state, with its new id", async () => {
    const room = many(1);
    const client = new Client();
    const first = await join(room, client);
    await room.connect("bob");
    room.change((state) => state.players()[client.publicId]?.hand.set({ ace: 1 }));
    client.read();
    const ada = client.publicId;
    room.disconnect(first);
    await join(room, client, "eve");
    expect(client.how).toEqual(["whole", "whole"]);
    expect(client.publicId).not.toBe(ada);
    expect(JSON.stringify(client.state)).not.toContain("ace");
    // The session of a user who stays away too long has expired.
    const second = await room.connect("short", null, undefined, "protocol=2");
    const short = new Client();
    short.connected(second);
    short.read();
    room.disconnect(second);
    await room.advance(3_600_000);
    await join(room, short, "short");
    expect(short.how).toEqual(["whole", "whole"]);
  });

  it("a client with an unknown position gets the whole state, which replaces its own", async () => {
    const room = many(1);
    for (const query of [
      "since=99&epoch=x",
      "since=-1&epoch=x",
      "since=1e99&epoch=x",
      "since=x",
      "epoch=x",
      "since=&epoch=",
    ]) {
      const socket = await room.connect(`s ${query}`, null, undefined, `protocol=2&${query}`);
      expect(socket.texts[0]).toContain('"pId"');
    }
    const client = new Client();
    const first = await join(room, client);
    room.disconnect(first);
    await room.connect("bob");
    await room.advance(3_700_000);
    room.change((state) => state.count.set(7));
    const second = await join(room, client);
    expect(second.texts[0]).toContain('"reset":true');
    expect(client.state["count"]).toBe(7);
  });
});

type Step =
  | { kind: "turn"; change: (state: never) => void }
  | { kind: "away"; who: number }
  | { kind: "back"; who: number }
  | { kind: "wait"; ms: number }
  | { kind: "evict" }
  | { kind: "fail"; what: RegExp | undefined }
  | { kind: "crash" };

/** The rows that cannot be written for a while: all rows, some rows, the room's own rows, or those of users. */
const FAULTS = [/./, /m|c/, /^\$/, /players/];

const anyone = fc.nat({ max: 2 });
const stepWith = (change: fc.Arbitrary<(state: never) => void>): fc.Arbitrary<Step> =>
  fc.oneof(
    { weight: 8, arbitrary: change.map((change) => ({ kind: "turn" as const, change })) },
    { weight: 3, arbitrary: anyone.map((who) => ({ kind: "away" as const, who })) },
    { weight: 3, arbitrary: anyone.map((who) => ({ kind: "back" as const, who })) },
    { weight: 3, arbitrary: fc.constantFrom(100, 1000, 5000).map((ms) => ({ kind: "wait" as const, ms })) },
    { weight: 1, arbitrary: fc.constant({ kind: "evict" as const }) },
    { weight: 1, arbitrary: fc.constantFrom(undefined, ...FAULTS).map((what) => ({ kind: "fail" as const, what })) },
    { weight: 2, arbitrary: fc.constant({ kind: "crash" as const }) },
  );

/** Changes of all fields, including those with predicates. */
const anything = fc
  .array(anyMutation, { minLength: 1, maxLength: 3 })
  .map((mutations) => (state: GameState) => mutations.forEach((mutation) => mutation.run(state)));

const key = fc.constantFrom("a", "b", "c d");
const small = fc.nat({ max: 9 });
const withoutPredicates: fc.Arbitrary<(state: Many) => void> = fc.oneof(
  small.map((n) => (state: Many) => state.count.set(n)),
  small.map((n) => (state: Many) => void state.list().push(n)),
  fc.constant((state: Many) => void state.list().shift()),
  small.map((n) => (state: Many) => void (state.list()[0] = n)),
  key.map((name) => (state: Many) => void (state.monsters()[name] = monster())),
  key.map((name) => (state: Many) => void delete state.monsters()[name]),
  fc.tuple(key, small).map(
    ([name, n]) =>
      (state: Many) =>
        state.monsters()[name]?.hp.set(n),
  ),
  fc.tuple(anyone, fc.dictionary(fc.constantFrom("x", "y"), small, { noNullPrototype: true })).map(
    ([who, hand]) =>
      (state: Many) =>
        Object.values(state.players())[who]?.hand.set(hand),
  ),
);

describe.each([
  ["predicates", gameState, anything],
  ["no predicates", manyState, withoutPredicates],
] as const)("P4.11: with %s", (_, state: () => object, change) => {
  it("each client of either protocol equals its view of the state, however often it was away", async () => {
    const how: string[] = [];
    const steps = fc.array(stepWith(change as fc.Arbitrary<(state: never) => void>), { minLength: 10, maxLength: 40 });
    const throttles = fc.record({ throttleSync: fc.constantFrom(0, 50), throttleStorage: fc.constantFrom(0, 1000) });
    await fc.assert(
      fc.asyncProperty(steps, throttles, async (steps, throttles) => {
        const room = new MemoryRoom<Many>(defineRoom({ path: "r", ...throttles, state }).compiled);
        const fail = (what: RegExp | undefined) => {
          room.storage.fault = (key) => {
            if (what?.test(key)) throw new Error("storage fails");
          };
        };
        const clients = [new Client(), new Client(), new Client()];
        const sockets = new Map<number, MemorySocket>();
        const plain = await room.connect("plain");
        for (const next of steps) {
          for (const client of clients) client.read();
          if (next.kind === "turn") room.change((state) => next.change(state as never));
          else if (next.kind === "wait") await room.advance(next.ms);
          else if (next.kind === "fail") fail(next.what);
          else if (next.kind === "evict") {
            fail(undefined);
            await room.evict();
          } else if (next.kind === "crash") {
            room.crash();
            sockets.clear();
          } else if (next.kind === "away") {
            const socket = sockets.get(next.who);
            sockets.delete(next.who);
            if (socket) room.disconnect(socket);
          } else if (!sockets.get(next.who)?.isOpen) {
            const client = clients[next.who] as Client;
            const socket = await room.connect(`s${next.who}`, null, undefined, client.query);
            client.connected(socket);
            sockets.set(next.who, socket);
          }
        }
        fail(undefined);
        await room.advance(2000);
        for (const [who, socket] of sockets) {
          const client = clients[who] as Client;
          client.read();
          const user = room.state.players()[client.publicId];
          // The client of a removed user is closed, so that it does not reconnect.
          expect(socket.closedWith?.code, `client ${who}`).toBe(user ? undefined : 4403);
          if (!user) continue;
          const expected = expectedView(room.state, { publicId: client.publicId, auth: null, user });
          expect(withoutEmpty(client.state), `client ${who}: ${client.how.join(", ")}`).toEqual(expected);
        }
        how.push(...clients.flatMap((client) => client.how));
        expect(plain.texts.join()).not.toContain('"seq"');
      }),
      { numRuns: 400 },
    );
    for (const each of ["resumed", "went back"])
      expect(how.filter((one) => one === each).length, each).toBeGreaterThan(8);
  });
});

it("P4.14: what changed again after it was stored and before it was sent is taken back after a crash", async () => {
  const definition = defineRoom({ path: "r", throttleSync: 500, throttleStorage: 10_000, state: manyState });
  const room = new MemoryRoom<Many>(definition.compiled);
  const client = new Client();
  client.connected(await room.connect("ada", null, undefined, client.query));
  await room.advance(1000);
  room.change((state) => state.list().push(4));
  room.change((state) => state.count.set(1));
  await room.core.handle.flush();
  room.change((state) => state.count.set(2));
  await room.advance(600);
  client.read();
  expect(client.state["count"]).toBe(2);
  room.crash();
  client.connected(await room.connect("ada", null, undefined, client.query));
  await room.advance(1000);
  client.read();
  expect([client.how.at(-1), client.state["count"], room.state.count()]).toEqual(["went back", 1, 1]);
});

it("P4.11: through shards, to another shard, and after the room was lost", async () => {
  const tree = new MemoryTree<Many>(
    defineRoom({ path: "r", throttleSync: 0, throttleStorage: 0, state: manyState }).compiled,
  );
  const [one, two] = [tree.add("s1"), tree.add("s2")];
  const client = new Client();
  const enter = async (shard: typeof one) => {
    const socket = shard.connect("ada", null, client.query);
    client.connected(socket);
    await tree.advance(1000);
    client.read();
    return socket;
  };
  const first = await enter(one);
  one.connect("bob");
  await tree.advance(1000);
  tree.room.change((state) => state.count.set(1));
  await tree.advance(1000);
  client.read();
  one.disconnect(first);
  await tree.advance(1000);
  tree.room.change((state) => state.list().push(4));
  await tree.advance(1000);
  await enter(two);
  expect([client.how, client.state["list"], client.state["count"]]).toEqual([["whole", "resumed"], [1, 2, 3, 4], 1]);
  tree.room.crash();
  await tree.advance(5000);
  tree.room.change((state) => state.count.set(2));
  await tree.advance(1000);
  client.read();
  expect([client.how.slice(0, 2), client.state["count"]]).toEqual([["whole", "resumed"], 2]);
});

it("P4.11: a room that lost its memory counts at once what it sends to clients of its shards", async () => {
  const tree = new MemoryTree<Many>(
    defineRoom({ path: "r", throttleSync: 0, throttleStorage: 0, state: manyState }).compiled,
  );
  const shard = tree.add("s");
  const client = new Client();
  const enter = async () => {
    const socket = shard.connect("ada", null, client.query);
    client.connected(socket);
    await tree.advance(1000);
    client.read();
    return socket;
  };
  const socket = await enter();
  shard.connect("bob");
  await tree.advance(1000);
  tree.room.crash();
  await tree.advance(5000);
  client.read();
  shard.disconnect(socket);
  await tree.advance(1000);
  tree.room.change((state) => state.count.set(7));
  await tree.advance(1000);
  await enter();
  expect([client.how, client.state["count"]]).toEqual([["whole", "whole", "resumed"], 7]);
});

it("P9: what a room had stored but not sent to its shards when it lost its memory is sent", async () => {
  const tree = new MemoryTree<Many>(
    defineRoom({ path: "r", throttleSync: 50, throttleStorage: 0, state: manyState }).compiled,
  );
  const shard = tree.add("s");
  const client = new Client();
  client.connected(shard.connect("ada", null, client.query));
  await tree.advance(1000);
  // This change opens a window, and its packet arrives.
  tree.room.change((state) => state.count.set(1));
  await tree.advance(10);
  shard.connect("bob");
  const players = () => [...tree.room.storage.rows.keys()].filter((key) => key.startsWith("players.")).length;
  while (players() < 2) await tree.advance(1);
  tree.room.crash();
  await tree.advance(5000);
  client.read();
  expect(Object.keys(client.state["players"] as object)).toHaveLength(2);
});
