import fc from "fast-check";
import { computed, signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { collection, persist, sync } from "../../src/state/fields.ts";
import { MemoryRoom } from "../support/memory.ts";

class Player {
  x = sync(signal(0));
  list = sync(signal<number[]>([]));
  secret = sync(signal("s"), { visibleTo: "owner" });
  luck = persist(signal(1));
  draft = sync(signal(0), { persist: false });
  double = sync(computed(() => this.x() * 2));
  pos = { y: sync(signal(0)), deep: { z: sync(signal(0)) } };
  items = collection(() => ({ n: sync(signal(0)) }));
  note: unknown;
}
const monster = () => ({ hp: sync(signal(10)) });
const stateOf = () => ({
  count: sync(signal(0)),
  scores: sync(signal<number[]>([])),
  config: { speed: sync(signal(1)) },
  players: users(Player),
  monsters: collection(monster),
});
type State = ReturnType<typeof stateOf>;
type Loose = Record<string, unknown>;

async function scene(throttleStorage = 0) {
  const { compiled } = defineRoom({ path: "r", throttleStorage, state: stateOf });
  const room = new MemoryRoom<State>(compiled);
  const socket = await room.connect("ann");
  room.change(({ monsters }) => (monsters()["m"] = monster()));
  await room.advance(2000);
  const [key = ""] = Object.keys(room.state.players());
  const player = () => room.state.players()[key] as Player;
  const seen = () =>
    socket.clients[0]?.state as { players: Record<string, Loose>; monsters: Record<string, Loose> } & Loose;
  /** The reason why a change is refused: at once if a field was replaced, otherwise when the entry is stored. */
  const refusal = (run: () => void) => {
    try {
      room.change(run);
    } catch (error) {
      return String(error);
    }
    return JSON.stringify(room.log.findLast(({ event }) => event === "state_failed"));
  };
  return { room, key, player, seen, refusal };
}

describe("a field that replaces another one", () => {
  it.each<[string, (player: Player) => void, (player: Player) => unknown, unknown]>([
    ["a number", (p) => (p.x = sync(signal(9))), (p) => p.x(), 9],
    ["an array", (p) => (p.list = sync(signal([1, 2]))), (p) => p.list(), [1, 2]],
    [
      "one that only its owner sees",
      (p) => (p.secret = sync(signal("t"), { visibleTo: "owner" })),
      (p) => p.secret(),
      "t",
    ],
    ["one that is only stored", (p) => (p.luck = persist(signal(7))), (p) => p.luck(), 7],
    ["one that is not stored", (p) => (p.draft = sync(signal(5), { persist: false })), (p) => p.draft(), 5],
    [
      "an object of fields",
      (p) => (p.pos = { y: sync(signal(3)), deep: { z: sync(signal(4)) } }),
      (p) => [p.pos.y(), p.pos.deep.z()],
      [3, 4],
    ],
    ["one inside an object", (p) => (p.pos.deep.z = sync(signal(6))), (p) => p.pos.deep.z(), 6],
  ])("is sent and stored like that one: %s", async (_, assign, read, value) => {
    const { room, player, seen, key } = await scene();
    room.change(() => assign(player()));
    expect(read(player())).toEqual(value);
    await room.evict();
    expect(read(player())).toEqual(value);
    const { x, list, secret, draft, pos } = player();
    expect(seen().players[key]).toMatchObject({
      x: x(),
      list: list(),
      secret: secret(),
      draft: draft(),
      double: x() * 2,
      pos: { y: pos.y(), deep: { z: pos.deep.z() } },
    });
  });

  it("follows the new signal from then on, and not the old one", async () => {
    const { room, player, seen, key } = await scene();
    const old = player().x;
    room.change(() => (player().x = sync(signal(9))));
    room.change(() => player().x.set(10));
    room.change(() => old.set(1));
    expect(seen().players[key]).toMatchObject({ x: 10, double: 20 });
    room.crash();
    expect(player().x()).toBe(10);
  });

  it("may be in the state itself, in an object of it, or in an entry that is read from its collection", async () => {
    const { room, seen } = await scene();
    room.change((state) => {
      state.count = sync(signal(3));
      state.scores = sync(signal([4]));
      state.config.speed = sync(signal(5));
      (state.monsters()["m"] as ReturnType<typeof monster>).hp = sync(signal(6));
    });
    const now = ({ count, scores, config, monsters }: State) => [
      count(),
      scores(),
      config.speed(),
      monsters()["m"]?.hp(),
    ];
    expect(now(room.state)).toEqual([3, [4], 5, 6]);
    expect(seen()).toMatchObject({ count: 3, scores: [4], config: { speed: 5 }, monsters: { m: { hp: 6 } } });
    room.crash();
    expect(now(room.state)).toEqual([3, [4], 5, 6]);
  });

  it("may be the previous one again", async () => {
    const { room, player, seen, key } = await scene();
    const old = player().x;
    room.change(() => (player().x = sync(signal(9))));
    room.change(() => {
      player().x = old;
      player().luck.set(2);
    });
    room.change(() => old.set(4));
    expect(seen().players[key]).toMatchObject({ x: 4 });
  });

  it("is taken when the entry is stored, if it was assigned between events", async () => {
    const { room, player, seen, key } = await scene(1000);
    player().x = sync(signal(9));
    room.change(() => player().draft.set(1));
    await room.advance(2000);
    expect(seen().players[key]).toMatchObject({ x: 9 });
    room.crash();
    expect(player().x()).toBe(9);
  });

  it("gives clients and storage the values that handlers read, whenever it is assigned", async () => {
    const step = fc.record({
      what: fc.constantFrom("x", "list", "secret", "pos", "z", "hp", "count", "scores", "set", "evict", "crash"),
      value: fc.integer({ min: 0, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const { room, player, seen, key } = await scene();
        const run: Record<string, (value: number) => void> = {
          x: (value) => (player().x = sync(signal(value))),
          list: (value) => (player().list = sync(signal([value]))),
          secret: (value) => (player().secret = sync(signal(String(value)), { visibleTo: "owner" })),
          pos: (value) => (player().pos = { y: sync(signal(value)), deep: { z: sync(signal(value)) } }),
          z: (value) => (player().pos.deep.z = sync(signal(value))),
          hp: (value) => ((room.state.monsters()["m"] as ReturnType<typeof monster>).hp = sync(signal(value))),
          count: (value) => (room.state.count = sync(signal(value))),
          scores: (value) => (room.state.scores = sync(signal([value]))),
          set: (value) => [player().x, player().pos.y, room.state.count].forEach((field) => field.set(value)),
        };
        const read = () => ({
          count: room.state.count(),
          scores: [...room.state.scores()],
          monsters: { m: { hp: room.state.monsters()["m"]?.hp() } },
          players: {
            [key]: {
              x: player().x(),
              list: [...player().list()],
              secret: player().secret(),
              pos: { y: player().pos.y(), deep: { z: player().pos.deep.z() } },
            },
          },
        });
        for (const { what, value } of steps) {
          const before = read();
          if (what === "evict") await room.evict();
          else if (what === "crash") room.crash();
          else room.change(() => run[what]?.(value));
          if (what === "evict" || what === "crash") expect(read()).toEqual(before);
          if (what !== "crash") expect(seen()).toMatchObject(read());
          else return;
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("a field that would be lost by hibernation", () => {
  it.each<[string, (player: Loose & Player, state: State & Loose) => void, string, string]>([
    ["a new one", (p) => (p["extra"] = sync(signal(1))), "extra", "declare it"],
    ["a new one that is only stored", (p) => (p["extra"] = persist(signal(1))), "extra", "declare it"],
    ["a new one inside an object", (p) => Object.assign(p.pos, { w: sync(signal(1)) }), "pos.w", "declare it"],
    ["a new one in a property of the class", (p) => (p.note = sync(signal(1))), "note", "declare it"],
    ["a value in its place", (p) => Object.assign(p, { x: 5 }), "x", "set()"],
    ["nothing in its place", (p) => delete (p as Partial<Player>).x, "x", "set()"],
    ["a signal without a mark", (p) => (p.x = signal(5) as never), "x", "set()"],
    ["one that others may see", (p) => Object.assign(p, { secret: sync(signal("t")) }), "secret", "visibleTo"],
    ["one that is not an array", (p) => Object.assign(p, { list: sync(signal(1)) }), "list", "array"],
    ["another computed signal", (p) => (p.double = sync(computed(() => 1))), "double", "class or factory"],
    ["another collection", (p) => (p.items = collection(() => ({ n: sync(signal(0)) }))), "items", "class or factory"],
    ["the signal of another field", (p) => (p.x = p.draft), "x", "(persisted)"],
    ["what JSON cannot hold", (p) => (p.x = sync(signal(1n as unknown as number))), "x", "BigInt"],
    ["an object without its fields", (p) => Object.assign(p, { pos: {} }), "pos", "no field"],
  ])("is refused with its path, and the previous one stays: %s", async (_, assign, name, advice) => {
    const { room, player, seen, key, refusal } = await scene();
    const properties = () => ({ player: Object.fromEntries(Object.entries(player())), pos: { ...player().pos } });
    const before = properties();
    const told = refusal(() => {
      assign(player() as never, room.state);
      player().luck.set(2);
    });
    expect(told).toContain(`players.${key}.${name}: `);
    expect(told).toContain(advice);
    expect(properties()).toEqual(before);
    room.change(() => {
      player().x.set(2);
      player().list().push(3);
      player().secret.set("u");
      player().items()["i"] = { n: sync(signal(1)) };
    });
    await room.evict();
    const now = { x: 2, list: [3], secret: "u", double: 4, items: { i: { n: 1 } } };
    expect(seen().players[key]).toMatchObject(now);
  });

  it("is refused in the state itself, with advice about state()", async () => {
    const { room } = await scene();
    expect(() => room.change((state) => Object.assign(state, { extra: sync(signal(1)) }))).toThrow(
      /^extra: .*state\(\)/,
    );
    expect(() => room.change((state) => Object.assign(state.config, { extra: sync(signal(1)) }))).toThrow(
      "config.extra: ",
    );
    expect(() =>
      room.change((state) => {
        delete (state as Partial<State>).count;
        state.monsters()["n"] = monster();
      }),
    ).toThrow("count: ");
    expect(() => room.change((state) => Object.assign(state, { players: users(Player) }))).toThrow("players: ");
    expect(room.state).not.toHaveProperty("extra");
    expect(room.state.config).not.toHaveProperty("extra");
    room.change(({ count }) => count.set(4));
    room.crash();
    expect(room.state.count()).toBe(4);
  });

  it("makes the action that assigns it fail", async () => {
    const { compiled } = defineRoom({
      path: "r",
      state: stateOf,
      actions: { buff: { run: ({ user }) => void Object.assign(user, { buff: sync(signal(1)) }) } },
    });
    const room = new MemoryRoom<State>(compiled);
    const socket = await room.connect("ann");
    await room.core.message(room.sockets[0] as never, JSON.stringify({ action: "buff", id: 1 }));
    expect(JSON.parse(socket.texts.at(-1) ?? "")).toMatchObject({ type: "error", value: { id: 1, code: "internal" } });
    expect(room.log).toContainEqual(expect.objectContaining({ event: "action_failed" }));
  });

  it("makes an action that continues after it fail, and its later errors are ignored", async () => {
    const { compiled } = defineRoom({
      path: "r",
      state: stateOf,
      actions: {
        buff: {
          async run({ user }) {
            Object.assign(user, { buff: sync(signal(1)) });
            await Promise.resolve();
            throw new Error("too late");
          },
        },
      },
    });
    const room = new MemoryRoom<State>(compiled);
    const socket = await room.connect("ann");
    await room.core.message(socket, JSON.stringify({ action: "buff", id: 1 }));
    expect(JSON.parse(socket.texts.at(-1) ?? "")).toMatchObject({ type: "error", value: { id: 1, code: "internal" } });
    // Wait for a task: an unhandled rejection would fail the test.
    await new Promise((resolve) => setTimeout(resolve));
  });

  it("is logged when the entry is stored, if it was assigned between events", async () => {
    const { room, player, key } = await scene(1000);
    Object.assign(player(), { extra: sync(signal(1)) });
    room.state.monsters()["m"]?.hp.set(1);
    player().draft.set(1);
    player().x.set(1);
    await room.advance(2000);
    const told = room.log.find(({ event }) => event === "state_failed");
    expect(JSON.stringify(told)).toContain(`players.${key}.extra: `);
    expect(player()).not.toHaveProperty("extra");
  });
});
