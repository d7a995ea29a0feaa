import { computed, signal } from "@signe/reactive";
import { afterEach, describe, expect, it, vi } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import type { CompiledRoom } from "../../src/define/room.ts";
import { collection, persist, sync } from "../../src/state/fields.ts";
import { MemoryRoom } from "../support/memory.ts";

afterEach(() => vi.unstubAllEnvs());

const WARNINGS: ReadonlySet<string> = new Set([
  "changed_in_place",
  "shared_between_rooms",
  "lost_in_sleep",
  "nothing_is_sent",
  "state_failed",
]);

/** A room with a client, and the mistakes in its log. */
async function roomOf<S extends object>(state: () => S, compiled: CompiledRoom = define(state)) {
  const room = new MemoryRoom<S>(compiled);
  await room.connect("ada");
  const told = () =>
    room.log.flatMap(({ event, field, hint, advice }) => (WARNINGS.has(event) ? [[event, field, hint ?? advice]] : []));
  return { room, compiled, told };
}
const define = (state: () => object): CompiledRoom => defineRoom({ path: "r", throttleSync: 0, state }).compiled;

const nested = () => ({
  config: sync(signal({ map: { list: [{ width: 1 }] } })),
  things: collection(() => ({ tags: sync(signal([["a"]])) })),
  double: sync(computed(() => ({ twice: 2 }))),
});

describe("the checks of a room in development", () => {
  it("report a value that was changed in place, once for all rooms of the definition", async () => {
    const { room, compiled, told } = await roomOf(nested);
    room.change(({ things }) => void (things()["one"] = { tags: sync(signal([["a"]])) }));
    room.change(({ config }) => config.mutate(({ map }) => void (map.list[0] = { width: 2 })));
    expect(told()).toEqual([]);
    for (let time = 0; time < 3; time++) {
      room.change(({ things, config }) => {
        const [tag] = things()["one"]?.tags() ?? [];
        tag?.push("b");
        (config().map.list[0] as { width: number }).width++;
      });
    }
    const hint = "was changed in place, which its signal does not notice: use mutate, or set a new value";
    const both = [
      ["changed_in_place", "config", `config ${hint}`],
      ["changed_in_place", "things.one.tags", `things.one.tags ${hint}`],
    ];
    expect(told()).toHaveLength(2);
    expect(told()).toEqual(expect.arrayContaining(both));
    const other = await roomOf(nested, compiled);
    other.room.change(({ config }) => void ((config().map.list[0] as { width: number }).width = 9));
    expect(other.told()).toEqual([]);
  });

  it("report a shared signal as shared, not as changed in place", async () => {
    const scores = sync(signal({ best: [{ points: 1 }] }));
    const state = () => ({ scores });
    const { room, told } = await roomOf(state);
    room.change(() => void ((scores().best[0] as { points: number }).points = 7));
    expect(told()).toEqual([
      ["shared_between_rooms", "scores", "scores is the same signal in all rooms: make it inside state()"],
    ]);
  });

  it("report that nothing of a state is sent, if it has only plain signals", async () => {
    expect((await roomOf(() => ({ count: signal(0) }))).told()).toMatchObject([["nothing_is_sent", undefined, /./]]);
    for (const state of [
      () => ({ count: sync(signal(0)), cache: signal(0) }),
      () => ({ count: persist(signal(0)), cache: signal(0) }),
      () => ({ round: 1 }),
    ])
      expect((await roomOf<object>(state)).told()).toEqual([]);
  });

  it("report the properties of the state that hibernation loses, also in objects inside of it", async () => {
    const state = () => ({ round: 1, list: [1], game: { level: 1, x: sync(signal(0)) }, run: () => 1 });
    const { room, told } = await roomOf(state);
    room.change((own) => own.list.push(2));
    expect(told()).toEqual([]);
    room.change((own) => {
      own.round = 2;
      own.game.level = 3;
    });
    expect(told().map(([event, field]) => [event, field])).toEqual([
      ["lost_in_sleep", "round"],
      ["lost_in_sleep", "game.level"],
    ]);
  });

  it("run less often for a large state, and still find everything", async () => {
    const state = () => ({ many: collection(() => ({ list: sync(signal([[0]])) })) });
    const { room, told } = await roomOf(state);
    room.change(({ many }) => {
      for (let index = 0; index < 1000; index++) many()[`k${index}`] = { list: sync(signal([[0]])) };
    });
    room.change(({ many }) => void many()["k7"]?.list()[0]?.push(1));
    for (let event = 0; event < 12; event++) room.change(() => {});
    expect(told()).toMatchObject([["changed_in_place", "many.k7.list", /./]]);
  });

  it("do not run in a deployed Worker", async () => {
    vi.stubEnv("NODE_ENV", "production");
    const { room, told } = await roomOf(nested);
    room.change(({ config }) => void ((config().map.list[0] as { width: number }).width = 9));
    room.change(() => {});
    expect(told()).toEqual([]);
  });
});
