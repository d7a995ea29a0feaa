import { signal } from "@signe/reactive";
import fc from "fast-check";
import { expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import type { Snapshot } from "../../src/define/types.ts";
import { users } from "../../src/app/users.ts";
import { collection, persist, sync } from "../../src/state/fields.ts";
import { asyncHooks } from "../support/async-hooks.ts";
import { MemoryRoom } from "../support/memory.ts";

class Player {
  x = sync(signal(0));
  bag = sync(signal<unknown[]>([]));
  items = collection(() => ({ count: sync(signal(0)), tags: sync(signal<unknown[]>([])) }));
}
const stateOf = () => ({
  /** The numbers of the steps that have run on the stored state. */
  trace: persist(signal<number[]>([])),
  a: sync(signal<unknown>(null)),
  b: sync(signal<unknown>(null)),
  list: sync(signal<unknown[]>([])),
  turn: sync(signal(0), { persist: false }),
  players: users(Player),
  monsters: collection(() => ({ hp: sync(signal<unknown>(0)) })),
});
type State = ReturnType<typeof stateOf>;
type Step = (snapshot: Snapshot) => Snapshot;

const record = (value: unknown) => (value ?? {}) as Record<string, Snapshot>;
const each = (value: unknown, change: (entry: Snapshot) => Snapshot) =>
  Object.fromEntries(Object.entries(record(value)).map(([key, entry]) => [key, change(entry)]));

/** The possible steps. Each of them is a function of the snapshot alone. */
const STEPS: Readonly<Record<string, Step>> = {
  nothing: (snapshot) => snapshot,
  swap: ({ a, b, ...rest }) => ({ ...rest, a: b, b: a }),
  drop: ({ list, ...rest }) => (list ? rest : { ...rest, b: "dropped" }),
  grow: ({ list, ...rest }) => ({ ...rest, list: [...((list ?? []) as unknown[]), "more"] }),
  empty: (snapshot) => ({ ...snapshot, monsters: {} }),
  split: ({ players, ...rest }) => ({
    ...rest,
    players,
    monsters: { ...record(rest["monsters"]), ...each(players, ({ x }) => ({ hp: x })) },
  }),
  bags: ({ players, ...rest }) => ({
    ...rest,
    players: each(players, ({ items, ...player }) => ({ ...player, bag: Object.keys(record(items)), items: {} })),
  }),
  fill: ({ players, ...rest }) => ({
    ...rest,
    players: each(players, (player) => ({ ...player, items: { ...record(player["items"]), "new/one": { count: 2 } } })),
  }),
  inPlace: (snapshot) => {
    snapshot["a"] = "in place";
    for (const monster of Object.values(record(snapshot["monsters"]))) monster["hp"] = 1;
    return snapshot;
  },
};

const traced =
  (version: number, step: Step): Step =>
  (snapshot) => {
    const { trace, ...rest } = step(snapshot);
    return { ...rest, trace: [...((trace ?? []) as number[]), version] };
  };

const define = (names: readonly string[], hooks: Partial<typeof asyncHooks> = {}) =>
  defineRoom({
    ...hooks,
    path: "r",
    throttleStorage: 0,
    version: names.length + 1,
    migrate: Object.fromEntries(names.map((name, index) => [index + 2, traced(index + 2, STEPS[name] as Step)])),
    state: stateOf,
  });

const key = fc.constantFrom("k", "k/1", "50%", "ä");
const value = fc.oneof(fc.integer(), fc.string({ maxLength: 5 }), fc.constant(null), fc.array(fc.integer()));
const scenario = fc.record({
  a: value,
  list: fc.array(value, { maxLength: 4 }),
  players: fc.array(fc.record({ x: fc.integer(), items: fc.uniqueArray(key) }), { maxLength: 4 }),
  monsters: fc.dictionary(key, value),
  /** All steps, and the number of them in the first version of the code and in an intermediate one. */
  steps: fc.array(fc.constantFrom(...Object.keys(STEPS)), { minLength: 1, maxLength: 6 }),
  from: fc.nat(),
  stop: fc.nat(),
  /** Whether the room has restore hooks that wait for something. */
  hooks: fc.constantFrom({}, asyncHooks),
  /** The number of writes after which each attempt dies. */
  deaths: fc.array(fc.nat({ max: 10 }), { minLength: 1, maxLength: 4 }),
});

const stateRows = (room: MemoryRoom<State>) =>
  Object.fromEntries([...room.storage.rows].filter(([row]) => !row.startsWith("$")));

const DEATH = "The object died";

/**
 * Deploys a version with these steps. @throws Error if the object dies, which may continue after its first failed write
 * but then does nothing more
 */
async function deploy(
  room: MemoryRoom<State>,
  names: readonly string[],
  hooks: Partial<typeof asyncHooks>,
  writes = Infinity,
): Promise<void> {
  let left = writes;
  room.storage.fault = () => {
    if (left-- <= 0) throw new Error(DEATH);
  };
  try {
    await room.deploy(define(names, hooks).compiled);
    await room.core.started;
  } finally {
    room.storage.fault = () => {};
  }
  if (left >= 0) return;
  room.kill();
  throw new Error(DEATH);
}

it("a migration that crashes between any two writes leaves all old or all new values, and runs each step once", async () => {
  let deaths = 0;
  let sound = 0;
  await fc.assert(
    fc.asyncProperty(scenario, async (given) => {
      const from = given.from % given.steps.length;
      const stop = from + (given.stop % (given.steps.length - from + 1));
      const room = new MemoryRoom<State>(define(given.steps.slice(0, from)).compiled);
      room.change((state) => {
        state.a.set(given.a);
        state.list.set([...given.list]);
        state.turn.set(1);
        for (const [index, { x, items }] of given.players.entries()) {
          const player = (state.players()[`p${index}`] = new Player());
          player.x.set(x);
          for (const item of items)
            player.items()[item] = { count: sync(signal(1)), tags: sync(signal<unknown[]>([item])) };
        }
        for (const [name, hp] of Object.entries(given.monsters)) state.monsters()[name] = { hp: sync(signal(hp)) };
      });
      room.core.handle.storage.put("mine", given.a);

      // The expected result of the steps, from a copy of the room that does not crash.
      const model = (names: readonly string[]) => {
        const copy = new MemoryRoom<State>(define(given.steps.slice(0, from)).compiled);
        copy.storage.rows = structuredClone(room.storage.rows);
        return deploy(copy, names, {}).then(() => stateRows(copy));
      };
      for (const end of [stop, given.steps.length]) {
        const names = given.steps.slice(0, end);
        const before = structuredClone(room.storage.rows);
        const after = await model(names);
        for (const writes of given.deaths) {
          const died = await deploy(room, names, given.hooks, writes).then(
            () => false,
            () => true,
          );
          if (died) {
            deaths++;
            expect(room.storage.rows).toEqual(before);
          } else expect(stateRows(room)).toEqual(after);
          if (!died) break;
        }
        await deploy(room, names, given.hooks);
        expect(stateRows(room)).toEqual(after);
        expect(room.storage.rows.get("$version") ?? 1).toBe(end + 1);
        expect(room.storage.rows.get("$storage:mine")).toEqual(given.a);
        const steps = Array.from({ length: end - from }, (_, index) => from + 2 + index);
        expect([...room.state.trace()]).toEqual(steps);
        // The state in memory equals the stored state.
        const shown = JSON.stringify(room.state.monsters());
        room.crash();
        await room.core.started;
        expect(JSON.stringify(room.state.monsters())).toBe(shown);
        sound++;
      }
      expect(room.log.filter(({ level, error }) => level === "error" && !error?.includes(DEATH))).toEqual([]);
    }),
    { numRuns: 150 },
  );
  expect([deaths > 100, sound]).toEqual([true, 300]);
});
