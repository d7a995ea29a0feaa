import { signal } from "@signe/reactive";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import type { KeyedVisibility } from "../../../src/state/field.ts";
import { users } from "../../../src/app/users.ts";
import { collection, sync } from "../../../src/state/fields.ts";
import { near } from "../../../src/state/near.ts";
import type { NearOptions } from "../../../src/state/near.ts";
import { byKey } from "../../../src/state/visibility-keys.ts";
import { MemoryRoom } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";

class Player {
  x = sync(signal(0));
  y = sync(signal(0));
  z = sync(signal(0));
}
type State = ReturnType<typeof crowd>;
const crowd = (visibleTo: KeyedVisibility) => ({ players: users(Player, { visibleTo }) });

const PLANE: NearOptions = { x: "x", y: "y", radius: 100 };
const SPACE: NearOptions = { ...PLANE, z: "z" };

async function roomOf(visibleTo: KeyedVisibility, count: number, throttleSync = 0) {
  const state = () => crowd(visibleTo);
  const room = new MemoryRoom<State>(defineRoom({ path: "r", throttleSync, state }).compiled);
  const sockets: MemorySocket[] = [];
  for (let index = 0; index < count; index++) sockets.push(await room.connect(`s${index}`));
  const players = sockets.map((socket) => {
    const welcome = JSON.parse(socket.texts[0] as string) as { value: { pId: string } };
    return room.state.players()[welcome.value.pId] as Player;
  });
  await room.advance(5000);
  for (const socket of sockets) socket.texts.length = 0;
  return { room, sockets, players };
}

/** The number of players in a packet. */
function entriesIn(text: string): number {
  const { value } = JSON.parse(text) as { value: { players?: object } };
  return Object.keys(value.players ?? {}).length;
}

/** Random numbers below 1 that depend only on the seed. */
function randomBy(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("P4.15: the cost of near", () => {
  it.each([
    ["in the plane", PLANE, [500, 500, 0], 150],
    ["in space", SPACE, [300, 300, 300], 150],
  ] as const)(
    "%s, a client gets at most 1.8 entries for each one within the radius",
    async (_, options, size, count) => {
      await fc.assert(
        fc.asyncProperty(fc.nat(1_000_000), async (seed) => {
          const random = randomBy(seed);
          const { room, sockets, players } = await roomOf(near(options), count);
          const each = (to: (before: number, most: number) => number) => () => {
            for (const { x, y, z } of players)
              for (const [index, field] of [x, y, z].entries()) field.set(to(field(), size[index] as number));
          };
          room.change(each((__, most) => random() * most));
          for (const socket of sockets) socket.texts.length = 0;
          let [within, sent] = [0, 0];
          for (let window = 0; window < 10; window++) {
            room.change(each((before, most) => Math.min(most, Math.max(0, before + random() * 14 - 7))));
            for (const one of players)
              for (const other of players)
                if (Math.hypot(one.x() - other.x(), one.y() - other.y(), one.z() - other.z()) <= 100) within++;
          }
          for (const socket of sockets) for (const text of socket.texts) sent += entriesIn(text);
          expect(within).toBeGreaterThan(10 * count);
          expect(sent / within).toBeLessThanOrEqual(1.8);
        }),
        { numRuns: 4 },
      );
    },
  );

  it("a change of an entry is encoded once, and clients that see the same get the same packet", async () => {
    const { room, sockets, players } = await roomOf(near(PLANE), 50);
    const stringify = vi.spyOn(JSON, "stringify");
    room.change(() => players[0]?.x.set(1.25));
    const encoded = stringify.mock.results.filter(({ value }) => String(value).includes("1.25"));
    stringify.mockRestore();
    expect(encoded.length).toBe(1);
    expect(new Set(sockets.map(({ texts }) => texts.join(""))).size).toBe(1);
    expect(sockets[49]?.texts[0]).toContain("1.25");
  });

  it("an entry that becomes visible is encoded once, however many see it", async () => {
    const { room, sockets, players } = await roomOf(near(PLANE), 50);
    room.change(() => players[0]?.y.set(5000.5));
    const stringify = vi.spyOn(JSON, "stringify");
    room.change(() => players[0]?.y.set(1.25));
    const encoded = stringify.mock.results.filter(({ value }) => String(value).includes("1.25"));
    stringify.mockRestore();
    expect(encoded.length, "one of the whole entry, and one of the change for clients that saw it before").toBe(2);
    expect(sockets[49]?.texts.at(-1)).toContain("1.25");
  });

  it("if others move, a viewer's position and keys are not computed again", async () => {
    const from = vi.fn(() => ({ x: 0, y: 0 }));
    const { room, players, sockets } = await roomOf(near({ ...PLANE, from }), 20);
    const keysOf = vi.fn((player: Player) => player.z());
    const keysFor = vi.fn(() => [0, 1]);
    const keyed = await roomOf(byKey<Player>({ of: keysOf, for: keysFor }), 20);
    for (const asked of [from, keysOf, keysFor]) asked.mockClear();
    for (let step = 1; step <= 10; step++) {
      room.change(() => players[0]?.x.set(step));
      keyed.room.change(() => keyed.players[0]?.z.set(step % 2));
    }
    expect(from).not.toHaveBeenCalled();
    expect(keysFor).not.toHaveBeenCalled();
    expect(keysOf, "once for each change, of the entry that changed").toHaveBeenCalledTimes(10);
    expect([sockets[9]?.texts.length, keyed.sockets[9]?.texts.length]).toEqual([10, 10]);
  });
});

describe("P4.15: near with rings", () => {
  const rings = near({ x: "x", y: "y", rings: [{ radius: 100 }, { radius: 1000, hz: 4 }] });

  async function twoApart(x: number) {
    const { room, sockets, players } = await roomOf(rings, 2);
    room.change(() => players[1]?.x.set(x));
    await room.advance(2000);
    const [socket] = sockets as [MemorySocket];
    socket.texts.length = 0;
    return { room, socket, player: players[1] as Player };
  }

  async function moveFor(seconds: number, { room, player }: { room: MemoryRoom<State>; player: Player }) {
    for (let step = 0; step < seconds * 20; step++) {
      room.change(() => player.x.update((x) => x + 0.25));
      await room.advance(50);
    }
  }

  it("sends distant entries 4 times a second, and always the last value", async () => {
    const apart = await twoApart(500);
    await moveFor(3, apart);
    await apart.room.advance(1000);
    expect(apart.socket.texts.length).toBeGreaterThanOrEqual(12);
    expect(apart.socket.texts.length).toBeLessThanOrEqual(14);
    expect(apart.socket.texts.at(-1)).toContain(`"x":${apart.player.x()}`);
  });

  it("sends near entries each time", async () => {
    const apart = await twoApart(50);
    await moveFor(1, apart);
    expect(apart.socket.texts.length).toBe(20);
  });

  it("sends an entry that comes nearer at once, with all delayed changes", async () => {
    const { room, socket, player } = await twoApart(500);
    room.change(() => player.y.set(7));
    room.change(() => player.z.set(8));
    expect(socket.texts.length, "only the first change is sent").toBe(1);
    room.change(() => player.x.set(50));
    expect(JSON.parse(socket.texts[1] as string)).toMatchObject({
      value: { players: { [Object.keys(room.state.players())[1] as string]: { x: 50, z: 8 } } },
    });
  });

  it.each([
    ["the first ring has a rate", { rings: [{ radius: 100, hz: 4 }] }],
    ["the camera is far away", { rings: [{ radius: 100 }, { radius: 1000, hz: 4 }], from: () => ({ x: 500, y: 0 }) }],
    ["the nearest are shown", { rings: [{ radius: 100, hz: 4 }], nearest: 3 }],
  ])("P4.12: sends users their own entry at once, even if %s", async (_, options) => {
    const { room, sockets, players } = await roomOf(near({ x: "x", y: "y", ...options }), 2);
    for (const z of [1, 2, 3]) {
      room.change(() => players[0]?.z.set(z));
      expect(entriesIn(sockets[0]?.texts.splice(0).join() as string)).toBe(1);
    }
    await room.advance(1000);
    expect(sockets[1]?.texts.at(-1), "the others get the last value").toContain('"z":3');
    room.change(({ players: all }) => delete all()[Object.keys(all())[1] as string]);
    room.change(() => players[0]?.z.set(4));
    expect(sockets[0]?.texts.at(-1)).toContain('"z":4');
  });

  it("a room hibernates only after the last value was sent", async () => {
    const { room, socket, player } = await twoApart(500);
    room.change(() => player.y.set(7));
    room.change(() => player.y.set(9));
    expect(socket.texts.at(-1)).not.toContain('"y":9');
    expect(room.isIdle).toBe(false);
    await room.evict();
    expect(socket.texts.at(-1)).toContain('"y":9');
  });

  it("with manual sync, nothing is delayed", async () => {
    const { room, socket, player } = await twoApart(500);
    room.core.handle.autoSync = false;
    for (const y of [1, 2, 3]) {
      room.change(() => player.y.set(y));
      room.core.handle.applySync();
      expect(socket.texts.at(-1)).toContain(`"y":${y}`);
    }
  });
});

describe("P4.15: a room with near that hibernated", () => {
  it("sends nothing again to a client that stayed, wherever the entries are", async () => {
    const random = randomBy(7);
    const { room, sockets, players } = await roomOf(near({ ...PLANE, nearest: 3 }), 20);
    for (let step = 0; step < 50; step++)
      room.change(() => players.forEach(({ x, y }) => (x.set(random() * 300), y.set(random() * 300))));
    await room.evict();
    for (const socket of sockets) socket.texts.length = 0;
    room.change(({ players: all }) => Object.values(all())[0]?.z.set(1));
    await room.advance(3000);
    const sent = sockets.flatMap(({ texts }) => texts);
    expect(sent.length).toBeGreaterThan(0);
    expect(sent.filter((text) => !text.includes('"z":1}'))).toEqual([]);
  });
});

describe("P4.15: near after manual sync", () => {
  it("a room hibernates only when visibility depends on positions alone", async () => {
    const { room, sockets } = await roomOf(near(PLANE), 2);
    const bobsKey = Object.keys(room.state.players())[1] as string;
    // Each step of the walk leaves the cell a little, which is forgotten in sleep.
    for (let x = 90; x < 160; x++) {
      room.core.handle.autoSync = false;
      room.change((state) => state.players()[bobsKey]?.x.set(x));
      room.core.handle.applySync();
      room.core.handle.autoSync = true;
      await room.evict();
      room.change((state) => Object.values(state.players()).forEach(({ z }) => z.set(x)));
      await room.advance(2000);
      for (const { clients } of sockets) {
        const { players = {} } = (clients[0]?.state ?? {}) as { players?: Record<string, object> };
        for (const player of Object.values(players)) expect(player, `bob at ${x}`).toMatchObject({ z: x });
      }
    }
  });
});

describe("P4.15: near with a cap", () => {
  it("does not alternate between two entries at about the same distance", async () => {
    const mob = () => ({ x: sync(signal(0)), y: sync(signal(0)) });
    const mobs = () => ({
      players: users(Player),
      mobs: collection(mob, { visibleTo: near({ ...PLANE, nearest: 1 }) }),
    });
    const room = new MemoryRoom<ReturnType<typeof mobs>>(
      defineRoom({ path: "r", throttleSync: 0, state: mobs }).compiled,
    );
    room.change((state) => {
      state.mobs()["a"] = Object.assign(mob(), { x: sync(signal(50)) });
      state.mobs()["b"] = Object.assign(mob(), { x: sync(signal(-51)) });
    });
    const socket = await room.connect("s");
    expect(socket.texts[0]).toContain('"a":');
    socket.texts.length = 0;
    for (const x of [52, 50, 52, 50]) room.change((state) => state.mobs()["a"]?.x.set(x));
    expect(socket.texts.join("")).not.toContain('"b"');
    room.change((state) => state.mobs()["a"]?.x.set(90));
    expect(JSON.parse(socket.texts.at(-1) as string)).toMatchObject({
      value: { mobs: { a: "$delete", b: { x: -51, y: 0 } } },
    });
  });
});

describe("near", () => {
  it.each([
    [{ x: "x", y: "y" }, /a radius or rings/],
    [{ x: "x", y: "y", radius: 1, rings: [{ radius: 1 }] }, /a radius or rings/],
    [{ x: "x", y: "y", rings: [] }, /radius above 0/],
    [{ x: "x", y: "y", radius: "100" }, /radius above 0/],
    [{ x: "x", y: "y", radius: -1 }, /radius above 0/],
    [{ x: "x", y: "y", radius: NaN }, /radius above 0/],
    [{ x: "x", y: "y", rings: [{ radius: 100 }, { radius: "300" }] }, /radius above 0/],
    [{ x: "x", y: "y", rings: [{ radius: 100, hz: "4" }] }, /above 0 as hz/],
    [{ x: "x", y: "y", radius: Number.MIN_VALUE }, /radius above 0/],
    [{ x: "x", y: "y", radius: Number.MAX_VALUE }, /radius above 0, from 1e-100 to 1e100/],
    [{ x: "x", y: "y", rings: [{ radius: 2 }, { radius: 1 }] }, /smallest radius first/],
    [{ x: "x", y: "y", rings: [{ radius: 2, hz: 0 }] }, /above 0 as hz/],
    [{ x: "x", y: "y", radius: 1, nearest: 1.5 }, /whole number above 0/],
    [{ x: "x", y: "y", z: 3, radius: 1 }, /names of fields/],
  ])("refuses %j with what to write", (options, message) => {
    expect(() => near(options as NearOptions)).toThrow(message);
  });

  it("an entry without a position, or with an infinite one, sees and is seen by no other", async () => {
    const { room, sockets, players } = await roomOf(near(SPACE), 3);
    for (const x of [NaN, 1e300, Infinity]) {
      room.change(() => players[0]?.x.set(x));
      room.change(() => players[1]?.x.set(x));
      room.change(() => players[2]?.y.update((y) => y + 1));
      expect(sockets[0]?.texts.at(-1)).not.toContain('"y":');
    }
    room.change(() => players[0]?.x.set(0));
    expect(entriesIn(sockets[0]?.texts.at(-1) as string), "its own entry, and the one at the same position").toBe(2);
  });
});
