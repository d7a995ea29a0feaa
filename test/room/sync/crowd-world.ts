import { signal } from "@signe/reactive";
import fc from "fast-check";
import { expect, inject } from "vitest";
import { users } from "../../../src/app/users.ts";
import { collection, persist, sync } from "../../../src/state/fields.ts";
import { EVERYTHING } from "../../../src/state/key-rules.ts";
import { near } from "../../../src/state/near.ts";
import { byKey, sameKey } from "../../../src/state/visibility-keys.ts";
import { isSync } from "../../../src/protocol/packets.ts";
import type { KeyedVisibility } from "../../../src/state/field.ts";
import { withoutEmpty } from "../../../src/testing/expected-view.ts";
import type { MemoryRoom, MemorySocket } from "../../support/memory.ts";
import { BinaryTexts } from "../../support/binary-texts.ts";
import { ResumingClient } from "./resuming-client.ts";

/**
 * A state with all kinds of keyed visibility, the steps that change it, and the rules for what each client may know.
 */

/** How long the random histories are, and how many. `CROWD_RUNS`, `CROWD_SEED` and `CROWD_STEPS` make them others. */
export const LENGTH = inject("crowd");

declare module "vitest" {
  interface ProvidedContext {
    crowd: {
      /** What fast-check is told instead of the usual number of runs. */
      readonly runs: { readonly numRuns?: number; readonly seed?: number; readonly path?: string };
      /** The most steps of a history, if that is not the usual number. */
      readonly steps: number | undefined;
      /** How long a test may take, in ms. */
      readonly timeout: number;
    };
  }
}

export const RADIUS = 100;
const OUTER = 300;
const NEAREST = 2;

class Walker {
  x = sync(signal(500));
  y = sync(signal(500));
  z = sync(signal(0));
  name = sync(signal("somebody"));
  hand = sync(signal<string[]>([]), { visibleTo: "owner" });
  team = persist(signal("red"));
}
/** What is inside of an entry, and has a part that is sent apart from the entry. */
const loot = () => ({ worth: sync(signal(1)), rune: sync(signal("old"), { visibleTo: () => true }) });
type Loot = ReturnType<typeof loot>;
export class Player extends Walker {
  loot = collection(loot);
  plan = sync(signal("wait"), {
    visibleTo: byKey<Player>({ of: ({ team }) => team(), for: ({ user }) => (user as Player | undefined)?.team() }),
  });
}
export const unit = () => ({
  hp: sync(signal(10)),
  loot: collection(loot),
  zone: persist(signal<string[]>([])),
  x: sync(signal(0)),
  y: sync(signal(0)),
});
const mob = () => ({
  x: sync(signal(500)),
  y: sync(signal(500)),
  z: sync(signal(0)),
  hp: sync(signal(1)),
  bag: sync(signal<Record<string, number>>({})),
});

/** The ways in which users can be seen. */
export const USERS_SEEN = {
  near: () => near({ x: "x", y: "y", radius: RADIUS }),
  space: () => near({ x: "x", y: "y", z: "z", radius: RADIUS }),
  rings: () => near({ x: "x", y: "y", rings: [{ radius: RADIUS }, { radius: OUTER, hz: 4 }] }),
  nearest: () => near({ x: "x", y: "y", radius: RADIUS, nearest: NEAREST }),
  both: () => near({ x: "x", y: "y", rings: [{ radius: RADIUS }, { radius: OUTER, hz: 4 }], nearest: NEAREST }),
  /** From a camera that is not where the user is. */
  camera: () =>
    near({ x: "x", y: "y", radius: RADIUS, from: ({ user }) => (user ? cameraOf(user as Player) : undefined) }),
  /** As "nearest", but in a state where users have no field with a visibility of its own. */
  few: () => near({ x: "x", y: "y", radius: RADIUS, nearest: NEAREST }),
  team: () => sameKey<Player>(({ team }) => team()),
  others: () => byKey<Player>({ of: ({ team }) => team(), for: ({ user }) => teamOf(user), own: false }),
} satisfies Record<string, () => KeyedVisibility>;
export type UsersSeen = keyof typeof USERS_SEEN;

/** The collections of mobs, and the distance from which each of them is seen. */
const MOBS = { mobs: RADIUS, birds: RADIUS, ships: OUTER, items: RADIUS } as const;
type Mobs = keyof typeof MOBS;
const MOBS_NAMES = Object.keys(MOBS) as Mobs[];

function cameraOf({ x, y }: Player): { x: number; y: number } {
  return { x: y(), y: x() };
}

function teamOf(user: unknown): string | undefined {
  return (user as Player | undefined)?.team();
}

export function crowdState(seen: UsersSeen = "near") {
  return {
    count: sync(signal(0)),
    players: users((seen === "few" ? Walker : Player) as typeof Player, { visibleTo: USERS_SEEN[seen]() }),
    units: collection(unit, {
      visibleTo: byKey<ReturnType<typeof unit>>({
        of: (entry) => entry.zone(),
        for: ({ user, auth }) => (auth?.["gm"] === true ? EVERYTHING : teamOf(user)),
      }),
    }),
    mobs: collection(mob, { visibleTo: near({ x: "x", y: "y", radius: RADIUS }) }),
    birds: collection(mob, { visibleTo: near({ x: "x", y: "y", z: "z", radius: RADIUS }) }),
    ships: collection(mob, {
      visibleTo: near({ x: "x", y: "y", rings: [{ radius: RADIUS }, { radius: OUTER, hz: 4 }] }),
    }),
    items: collection(mob, { visibleTo: near({ x: "x", y: "y", radius: RADIUS, nearest: NEAREST }) }),
  };
}
export type CrowdState = ReturnType<typeof crowdState>;

/** A client, with all packets that it ever received. */
export class Watcher {
  readonly session: string;
  readonly auth: Readonly<Record<string, unknown>> | null;
  readonly client = new ResumingClient();
  socket: MemorySocket | undefined;
  #checked = 0;
  #receivedBefore = 0;
  readonly #protocol: 1 | 2 | 3;
  /** Reads binary frames. A client that reconnects continues with what it knows. */
  readonly binary = new BinaryTexts();

  constructor(session: string, isGm: boolean, protocol: 1 | 2 | 3 = 2) {
    this.session = session;
    this.auth = isGm ? { gm: true } : null;
    this.#protocol = protocol;
  }

  /** The query with which it connects. */
  get query(): string {
    if (this.#protocol === 1) return "";
    if (this.#protocol === 2) return this.client.query;
    return `${this.client.query.replace("protocol=2", "protocol=2&protocol=3")}&${this.binary.query}`;
  }

  /** The id of its user, which the client itself does not know before its first packet. */
  get publicId(): string {
    const attached = this.socket?.attachment() as { publicId?: string; room?: Uint8Array } | undefined;
    const { publicId } = attached?.room
      ? (JSON.parse(new TextDecoder().decode(attached.room)) as typeof attached)
      : (attached ?? {});
    return publicId ?? this.client.publicId;
  }

  read(): void {
    expect(this.socket?.malformed ?? []).toEqual([]);
    this.client.read();
  }

  /** The packets since the last call, as text. */
  news(): string {
    const texts = this.socket?.texts ?? [];
    const text = texts.slice(this.#checked).join("\n");
    this.#checked = texts.length;
    return text;
  }

  /** The number of sync packets that it ever received. */
  get received(): number {
    return this.#receivedBefore + (this.socket?.texts.filter(isSync).length ?? 0);
  }

  connected(socket: MemorySocket): void {
    this.#receivedBefore = this.received;
    this.socket = socket;
    socket.binary = this.binary;
    this.#checked = 0;
    this.client.connected(socket);
  }
}

type Position = Readonly<Record<"x" | "y" | "z", number>>;
interface Place {
  readonly key: string;
  readonly far: number;
}

/** The entries of a collection, with their distance from where a user looks. */
function placesFrom(user: Player, name: "players" | Mobs, state: CrowdState, seen: UsersSeen): readonly Place[] {
  const entries: readonly [string, Player | ReturnType<typeof mob>][] = Object.entries(state[name]());
  const isSpace = name === "birds" || (name === "players" && seen === "space");
  const from = name === "players" && seen === "camera" ? { ...cameraOf(user), z: 0 } : placeOf(user);
  return entries.map(([key, entry]) => ({ key, far: entry === user ? 0 : distance(placeOf(entry), from, isSpace) }));
}

function placeOf({ x, y, z }: Walker | ReturnType<typeof mob>): Position {
  return { x: x(), y: y(), z: z() };
}

/** Infinity if one of them has no position: NaN is null after hibernation. */
function distance(one: Position, other: Position, isSpace: boolean): number {
  const names = isSpace ? (["x", "y", "z"] as const) : (["x", "y"] as const);
  const isThere = names.every((name) => Number.isFinite(one[name]) && Number.isFinite(other[name]));
  return isThere ? Math.hypot(...names.map((name) => one[name] - other[name])) : Infinity;
}

function radiusOf(name: "players" | Mobs, seen: UsersSeen): number {
  return name === "players" ? (seen === "rings" || seen === "both" ? OUTER : RADIUS) : MOBS[name];
}

function isLimited(name: "players" | Mobs, seen: UsersSeen): boolean {
  return name === "items" || (name === "players" && ["nearest", "few", "both"].includes(seen));
}

/** Checks that a watcher has exactly what it may see: everything near, nothing far, and with current values. */
export function checkView(state: CrowdState, { client, auth, socket, query }: Watcher, seen: UsersSeen): void {
  const user = state.players()[client.publicId];
  if (!user) return;
  const view = withoutEmpty(client.state) as Record<string, Record<string, unknown> | undefined>;
  // Clients of `@signe/sync` have the same state, in plain objects and in signals.
  if (query === "")
    for (const other of socket?.clients ?? []) expect(other.state).toEqual(withoutEmpty({ count: 0, ...view }));
  expect(view["count"] ?? 0).toBe(state.count());
  const units = Object.entries(state.units()).filter(([, { zone }]) => auth || zone().includes(user.team()));
  expect(Object.keys(view["units"] ?? {}).toSorted()).toEqual(units.map(([key]) => key).toSorted());
  for (const [key, { hp, loot: has }] of units) {
    expect(view["units"]?.[key]).toMatchObject({ hp: hp() });
    checkLoot(view["units"]?.[key] as object, has());
  }
  for (const name of ["players", ...MOBS_NAMES] as const) {
    const had = view[name] ?? {};
    checkKeys(Object.keys(had), name, state, client.publicId, seen);
    for (const [key, entry] of Object.entries(had)) checkEntry(entry as object, name, key, state, client.publicId);
  }
}

/** The client's own state, as a developer who uses `@signe/sync` would declare it. */
export const clientState = () => ({
  count: signal(0),
  ...Object.fromEntries(["players", "units", ...MOBS_NAMES].map((name) => [name, signal<Record<string, unknown>>({})])),
});

function checkKeys(keys: readonly string[], name: "players" | Mobs, state: CrowdState, own: string, seen: UsersSeen) {
  const user = state.players()[own] as Player;
  if (name === "players" && (seen === "team" || seen === "others")) {
    const isSeen = ([, { team }]: [string, Player]) => team() === user.team();
    const others = Object.entries(state.players()).filter(isSeen);
    return expect(keys.toSorted()).toEqual(others.map(([key]) => key).toSorted());
  }
  const places = placesFrom(user, name, state, seen);
  const radius = radiusOf(name, seen);
  const limit = !isLimited(name, seen) ? Infinity : name === "players" ? NEAREST + 1 : NEAREST;
  const shown = places.filter(({ key }) => keys.includes(key));
  expect(shown.length, `${name} that exist`).toBe(keys.length);
  const farthest = Math.max(0, ...shown.map(({ far }) => far));
  expect(farthest, `distance of the farthest of ${name}`).toBeLessThanOrEqual(1.5 * radius);
  expect(shown.length, `number of ${name}`).toBeLessThanOrEqual(limit);
  for (const { key, far } of places) {
    if (far > radius || keys.includes(key)) continue;
    // An entry may only be missing if the limit is reached, and if it is not much nearer than the others.
    expect(shown.length, `${name} ${key} at ${far}`).toBe(limit);
    expect(far, `${name} ${key}`).toBeGreaterThanOrEqual(0.89 * farthest);
  }
}

function checkEntry(entry: object, name: "players" | Mobs, key: string, state: CrowdState, own: string): void {
  const real = state[name]()[key] as Player | ReturnType<typeof mob>;
  expect(entry).toMatchObject(JSON.parse(JSON.stringify({ x: real.x(), y: real.y(), z: real.z() })) as object);
  if ("loot" in real && real.loot) checkLoot(entry, real.loot());
  if ("bag" in real) expect((entry as { bag?: unknown }).bag ?? {}, `${name} ${key}`).toEqual({ ...real.bag() });
  if (!("hand" in real)) return;
  expect("hand" in entry ? key : own).toBe(own);
  const isMate = real.team() === state.players()[own]?.team();
  expect((entry as { plan?: string }).plan).toBe(isMate || key === own ? real.plan?.() : undefined);
}

function checkLoot(entry: object, has: Readonly<Record<string, Loot>>): void {
  const all = Object.entries(has).map(([key, { worth, rune }]) => [key, { worth: worth(), rune: rune() }]);
  expect((entry as { loot?: object }).loot ?? {}).toEqual(Object.fromEntries(all));
}

/** The keys of the entries that a watcher may know about. */
export function mayKnow(state: CrowdState, { publicId, auth }: Watcher, seen: UsersSeen): string[] {
  const user = state.players()[publicId];
  if (!user) return [publicId];
  const units = Object.entries(state.units()).filter(([, { zone }]) => auth || zone().includes(user.team()));
  const mates = Object.entries(state.players()).filter(([, { team }]) => team() === user.team());
  const isByTeam = seen === "team" || seen === "others";
  const nearby = (isByTeam ? MOBS_NAMES : (["players", ...MOBS_NAMES] as const)).flatMap((name) =>
    placesFrom(user, name, state, seen).filter(({ far }) => far <= 1.5 * radiusOf(name, seen)),
  );
  const keys = [...units.map(([key]) => key), ...nearby.map(({ key }) => key)];
  const known = [publicId, ...keys, ...(isByTeam ? mates.map(([key]) => key) : [])];
  const inside = known.flatMap((key) => Object.keys((state.units()[key] ?? state.players()[key])?.loot?.() ?? {}));
  return [...known, ...inside];
}

/** The names of all entries that may exist. */
export function allNames(state: CrowdState): string[] {
  const numbers = [0, 1, 2, 3, 4];
  return [
    ...Object.keys(state.players()),
    ...numbers.flatMap((who) => [`unit-${who}`, `loot-${who}`, `chest-${who}`]),
    ...MOBS_NAMES.flatMap((name) => numbers.map((who) => `${name}-${who}`)),
  ];
}

export type Step =
  | { kind: "walk" | "teleport"; who: number; dx: number; dy: number; dz: number }
  | { kind: "mob"; who: number; dx: number; dy: number; dz: number; mobs: Mobs }
  | { kind: "bag"; who: number; mobs: Mobs; item: string; count: number | undefined }
  | { kind: "kill"; who: number; mobs: Mobs }
  | { kind: "team"; who: number; team: string }
  | { kind: "unit"; who: number; zone: string[] | undefined }
  | { kind: "come" | "go" | "hand" | "plan" | "lost" | "replace"; who: number }
  | { kind: "loot"; who: number; change: "put" | "rewrite" | "take" }
  /** A walk that is sent by hand. */
  | { kind: "by hand"; who: number; dx: number; dy: number; dz: number }
  /** Changes are sent by hand from now on, or are sent by hand once, or are sent automatically again. */
  | { kind: "manual" | "apply" | "automatic" }
  | { kind: "evict" | "crash" | "count" };

const who = fc.nat({ max: 4 });
const little = fc.integer({ min: -40, max: 40 });
const far = fc.integer({ min: 0, max: 1000 });
const mobs = fc.constantFrom(...MOBS_NAMES);
export const crowdStep = fc.oneof<fc.MaybeWeightedArbitrary<Step>[]>(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant("walk" as const), who, dx: little, dy: little, dz: little }),
  },
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constant("mob" as const), who, dx: little, dy: little, dz: little, mobs }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("bag" as const),
      who,
      mobs,
      item: fc.constantFrom("gold", "wood"),
      count: fc.option(fc.nat(9), { nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("teleport" as const), who, dx: far, dy: far, dz: far }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("team" as const), who, team: fc.constantFrom("a", "b") }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("unit" as const),
      who,
      zone: fc.constantFrom<string[] | undefined>(["a"], ["b"], ["a", "b"], [], undefined),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("kill" as const), who, mobs }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("by hand" as const), who, dx: little, dy: little, dz: little }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("loot" as const),
      who,
      change: fc.constantFrom("put" as const, "rewrite" as const, "take" as const),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "come" as const,
        "go" as const,
        "hand" as const,
        "plan" as const,
        "lost" as const,
        "replace" as const,
      ),
      who,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ kind: "evict" as const }, { kind: "crash" as const }, { kind: "count" as const }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom("manual" as const, "apply" as const, "automatic" as const) }),
  },
);

/** Applies a step to the state. */
function change(state: CrowdState, step: Step, playerOf: (who: number) => Player | undefined): void {
  if ("mobs" in step) return changeMob(state, step);
  const player = "who" in step ? playerOf(step.who) : undefined;
  switch (step.kind) {
    case "walk":
    case "by hand":
      return move(player, step, (at) => at);
    case "teleport":
      return move(player, step, () => 0);
    case "lost":
      return player?.x.set(NaN);
    case "replace":
      return replace(state, player);
    case "loot":
      if (player?.loot) changeLoot(player.loot(), `loot-${step.who}`, step.change);
      return changeLoot(state.units()[`unit-${step.who}`]?.loot(), `chest-${step.who}`, step.change);
    case "team":
      return player?.team.set(step.team);
    case "hand":
      return player?.hand.update((hand) => [...hand, "ace"]);
    case "plan":
      return player?.plan?.update((plan) => `${plan}!`);
    case "count":
      return state.count.update((count) => count + 1);
    case "unit":
      return changeUnit(state, `unit-${step.who}`, step.zone);
    default:
  }
}

/** Replaces the entry of a user by a new one. */
function replace(state: CrowdState, player: Player | undefined): void {
  for (const [key, one] of Object.entries(state.players()))
    if (one === player) state.players()[key] = new (player.constructor as typeof Player)();
}

function move(
  player: Player | undefined,
  { dx, dy, dz }: Readonly<Record<"dx" | "dy" | "dz", number>>,
  from: (at: number) => number,
): void {
  player?.x.update((x) => from(x) + dx);
  player?.y.update((y) => from(y) + dy);
  player?.z.update((z) => from(z) + dz);
}

function changeLoot(all: Record<string, Loot> | undefined, key: string, how: "put" | "rewrite" | "take"): void {
  if (how === "put" && all) all[key] = loot();
  if (how === "take" && all) delete all[key];
  if (how !== "rewrite") return;
  all?.[key]?.worth.update((worth) => worth + 1);
  all?.[key]?.rune.update((rune) => `${rune}!`);
}

/** Does what a step says, and sends it by hand if it says so. */
export function perform(room: MemoryRoom<CrowdState>, step: Step, playerOf: (who: number) => Player | undefined): void {
  const { handle } = room.core;
  const { autoSync } = handle;
  const isByHand = step.kind === "by hand";
  if (isByHand || step.kind === "manual") handle.autoSync = false;
  room.change((state) => {
    change(state, step, playerOf);
    if (step.kind === "automatic") handle.autoSync = true;
  });
  if (isByHand || step.kind === "apply") handle.applySync();
  if (isByHand) handle.autoSync = autoSync;
}

function changeUnit(state: CrowdState, key: string, zone: string[] | undefined): void {
  if (zone === undefined) {
    delete state.units()[key];
    return;
  }
  if (state.units()[key]) state.units()[key]?.zone.set(zone);
  else state.units()[key] = Object.assign(unit(), { zone: persist(signal<string[]>(zone)) });
  state.units()[key]?.hp.update((hp) => hp + 1);
}

function changeMob(state: CrowdState, step: Extract<Step, { mobs: Mobs }>): void {
  const key = `${step.mobs}-${step.who}`;
  const all = state[step.mobs]();
  if (step.kind === "kill") {
    delete all[key];
    return;
  }
  const one = (all[key] ??= mob());
  if (step.kind === "bag") {
    if (step.count === undefined) delete one.bag()[step.item];
    else one.bag()[step.item] = step.count;
    return;
  }
  one.x.update((x) => x + step.dx);
  one.y.update((y) => y + step.dy);
  one.z.update((z) => z + step.dz);
  one.hp.update((hp) => hp + 1);
}

/** Checks that watchers only receive what they may know. */
export class Secrecy {
  tells = 0;
  hidden = 0;
  #known: ReadonlySet<string>[] = [];

  /** Called before a step. @param isWaiting whether clients do not have the present state yet */
  before(state: CrowdState, watchers: readonly Watcher[], seen: UsersSeen, isWaiting: boolean): void {
    for (const watcher of watchers) watcher.read();
    const known = watchers.map((watcher) => new Set(mayKnow(state, watcher, seen)));
    // A change inside of an entry in a farther ring may be sent later, also the removal of what the client knew.
    const isLate = (name: string) => (seen === "rings" || seen === "both") && name.startsWith("loot-");
    this.#known = known.map((keys, index) => {
      const before = [...(this.#known[index] ?? [])];
      return keys.union(new Set(before.filter((name) => isWaiting || isLate(name))));
    });
  }

  /** Called after a step, when everything was sent. */
  after(state: CrowdState, watchers: readonly Watcher[], seen: UsersSeen, what: string): void {
    const names = allNames(state);
    for (const [index, watcher] of watchers.entries()) {
      const news = watcher.news();
      watcher.read();
      const known = [...(this.#known[index] ?? []), ...mayKnow(state, watcher, seen)];
      const told = names.filter((name) => news.includes(`"${name}"`));
      for (const name of told) expect(known, `${what}: ${watcher.session} is told of ${name}`).toContain(name);
      this.tells += told.length;
      this.hidden += names.length - told.length;
    }
  }
}
