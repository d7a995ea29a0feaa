import { describe, expect, it } from "vitest";
import { MemoryRoom } from "../support/memory.ts";
import { created, definition, play } from "./play.ts";
import type { State } from "./play.ts";

type Rows = Record<string, unknown>;

const fixtures = import.meta.glob("./*.json", { query: "?raw", import: "default", eager: true });
const versions = Object.keys(fixtures).map((path) => path.slice(2, -".json".length));
const rowsOf = (version: string) => JSON.parse(fixtures[`./${version}.json`] ?? "") as Rows;

/** Restores the stored form of a row: `$map` stands for a map, in which null stands for undefined. */
function revived(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const { $map } = value as { $map?: [string, unknown][] };
  if ($map) return new Map($map.map(([key, inner]) => [key, inner === null ? undefined : revived(inner)]));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revived(inner)]));
}

/** A room with the current code that wakes with the rows of a version. */
async function woken(version: string): Promise<MemoryRoom<State>> {
  const room = new MemoryRoom<State>(definition.compiled);
  room.storage.rows = new Map(Object.entries(rowsOf(version)).map(([key, value]) => [key, revived(value)]));
  room.crash();
  await room.core.started;
  return room;
}

const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;

/** Old versions stored entries whose keys have dots. They are quarantined now, because clients cannot hold them. */
const hasDottedKey = (version: string) => "monsters.m%2E1%25" in rowsOf(version);

describe.each(versions)("what %s stored", (version) => {
  it("loads: all values", async () => {
    const { state, core } = await woken(version);
    const { width, names } = state.area;
    expect(plain([state.count(), state.title(), state.seed(), state.list(), state.config(), width(), names()])).toEqual(
      [4, "Tü", 1, [1, 2], { map: { width: 5 } }, 7, ["north"]],
    );
    const monsters = Object.entries(state.monsters()).map(([key, { hp }]) => [key, hp()]);
    expect(monsters).toEqual(hasDottedKey(version) ? [] : [["m-1%", 4]]);
    expect([state.turn(), core.handle.storage.get("mine")]).toEqual([0, { b: 2 }]);
  });

  it("loads: entries of their kinds, and references to them", async () => {
    const { state } = await woken(version);
    const hasVariants = "beasts.d" in rowsOf(version);
    expect(plain(Object.entries(state.beasts?.() ?? {}))).toEqual(hasVariants ? [["d", {}]] : []);
    const leader = state.leader?.();
    expect(leader && "fire" in leader ? leader.fire() : undefined).toBe(hasVariants ? 1 : undefined);
  });

  it("loads: all users, including nested entries", async () => {
    const { state } = await woken(version);
    expect(Object.keys(state.players()).toSorted()).toEqual(["ada-public", "cleo-public", "eve-public"]);
    const ada = state.players()["ada-public"];
    expect(plain([ada?.x(), ada?.hand(), ada?.pos.z(), ada?.online()])).toEqual([1.5, ["ace"], -1, true]);
    const sword = ada?.items()["sword"];
    expect(plain([sword?.count(), sword?.tags()])).toEqual([2, ["old"]]);
    expect(Object.keys(state.players()["eve-public"]?.items() ?? {})).toEqual(["bow"]);
  });

  it("loads: all sessions, and their owners", async () => {
    const room = await woken(version);
    room.core.handle.autoSync = true;
    expect((await room.connect("ada")).closedWith?.code).toBe(4403);
    expect((await room.connect("ada", { sub: "ada's sub" })).texts[0]).toContain('"pId":"ada-public"');
    expect((await room.connect("cleo")).texts[0]).toContain('"pId":"cleo-public"');
    await room.advance(400_000);
    expect(Object.keys(room.state.players()).toSorted()).toEqual(["ada-public", "cleo-public"]);
  });

  it("loads: as a room that was created", async () => {
    const before = created.count;
    const room = await woken(version);
    await room.core.visit();
    expect(created.count).toBe(before);
  });

  it("loads: schedules, and whether changes are sent automatically", async () => {
    const { core } = await woken(version);
    const plain = { name: "later", at: 1_060_000, payload: { a: 1 } };
    // Older versions had no keys of schedules.
    const keyed = { name: "later", key: "orc", at: 1_090_000, payload: { a: 2 } };
    expect(core.handle.schedules).toEqual("$keyed:5:laterorc" in rowsOf(version) ? [plain, keyed] : [plain]);
    expect(core.handle.autoSync).toBe(false);
  });

  it("loads: transfers of users who came, who left, and who were recalled", async () => {
    const room = await woken(version);
    room.core.handle.autoSync = true;
    const eve = await room.connect(undefined, null, "of-eve");
    expect(eve.texts[0]).toContain('"pId":"eve-public"');
    expect(room.core.handle.connections[0]?.state).toEqual({ from: "elsewhere" });
    const recalled = await room.core.recall("transfer-of-finn", "finn");
    expect(recalled).toMatchObject({ arrived: false, passenger: { publicId: "finn-public", user: { x: 5 } } });
    const asked: unknown[] = [];
    room.neighbours.recall = async (...question) => {
      asked.push(question);
      return { arrived: false, passenger: recalled.passenger && { ...recalled.passenger, publicId: "bob-public" } };
    };
    expect((await room.connect("bob")).texts[0]).toContain('"pId":"bob-public"');
    // The second call tells the other room that bob is stored.
    expect(asked).toEqual([
      ["elsewhere", "some-uuid", "bob"],
      ["elsewhere", "some-uuid", "bob", true],
    ]);
    expect(room.state.players()["bob-public"]?.x()).toBe(5);
  });

  it("loads: only an entry whose key has a dot is quarantined, and nothing fails but a lost shard", async () => {
    const room = await woken(version);
    // Entries are read when they are needed.
    expect(Object.keys(room.state.monsters())).toHaveLength(hasDottedKey(version) ? 0 : 1);
    const expected = hasDottedKey(version) ? [{ key: "monsters.m%2E1%25", value: { hp: 4 } }] : [];
    expect(room.core.handle.quarantine.list()).toMatchObject(expected);
    expect(room.core.handle.quarantine.list()).toHaveLength(expected.length);
    const failures = room.log.filter(({ event }) => event !== "shard_lost");
    expect(failures.map(({ event }) => event)).toEqual(expected.map(() => "quarantined"));
  });
});

it("the fixture of the unreleased version equals what is stored now", async () => {
  // If this fails, see "Compatibility" in CONTRIBUTING.md.
  expect(await play()).toEqual(rowsOf("unreleased"));
  expect(await play(true)).toEqual(rowsOf("unreleased-busy"));
});

it("there is a fixture of each release in the changelog", async () => {
  const changelog = Object.values(
    import.meta.glob("../../CHANGELOG.md", { query: "?raw", import: "default", eager: true }),
  )[0];
  const released = [...(changelog ?? "").matchAll(/^## \[(.*)\]/gm)].map(([, version = ""]) => version.toLowerCase());
  expect(released).toContain("0.1.0");
  expect(versions).toEqual(expect.arrayContaining(released));
});
