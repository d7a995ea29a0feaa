import { signal } from "@signe/reactive";
import fc from "fast-check";
import { sync } from "../../src/state/fields.ts";
import { item, monster, Player } from "./game-state.ts";
import type { GameState } from "./game-state.ts";
import { ODD_REFUSAL, ODD_VALUES } from "./odd-values.ts";

/** A change of the state, with a name for the reports of failing runs. */
export interface Mutation {
  readonly name: string;
  run(state: GameState): void;
}

const key = fc.constantFrom("a", "b", "c", "d e", "0", "7");
const scalar = fc.oneof(
  fc.integer({ min: -9, max: 9 }),
  fc.constantFrom("", "x", "y z"),
  fc.boolean(),
  fc.constant(null),
);
/** Plain data of every kind. Objects are never empty, because `load` cannot tell empty objects from missing ones. */
const plain: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  any: fc.oneof({ weight: 3, arbitrary: scalar }, tie("object"), tie("array")),
  object: fc.dictionary(key, tie("any"), { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
  array: fc.array(tie("any"), { maxLength: 4 }),
}))["any"];
const record = fc.dictionary(key, plain, { maxKeys: 4, noNullPrototype: true });
const list = fc.array(plain, { maxLength: 5 });

function mutation<T>(
  name: string,
  arbitrary: fc.Arbitrary<T>,
  run: (state: GameState, input: T) => void,
): fc.Arbitrary<Mutation> {
  return arbitrary.map((input) => ({
    name: `${name} ${JSON.stringify(input)}`,
    run: (state) => run(state, structuredClone(input)),
  }));
}

const pick = fc.nat({ max: 5 });
function pickOf<T>(entries: Record<string, T>, index: number): T | undefined {
  const values = Object.values(entries);
  return values[index % Math.max(values.length, 1)];
}
function pickKey(entries: object, index: number): string {
  const keys = Object.keys(entries);
  return keys[index % Math.max(keys.length, 1)] ?? "none";
}

/** Follows a path into plain data, and changes what is there. */
function dig(
  value: unknown,
  steps: readonly number[],
  change: (at: Record<string, unknown> | unknown[]) => void,
): void {
  let node = value as Record<string, unknown> | unknown[];
  for (const step of steps) {
    const next = (node as Record<string, unknown>)[pickKey(node, step)];
    if (typeof next !== "object" || next === null) break;
    node = next as Record<string, unknown>;
  }
  change(node);
}

/** An entry, a part of an entry, or the state. */
function anyObject(state: GameState, index: number): object | undefined {
  const [player, monsterOfAll, beast] = [state.players(), state.monsters(), state.beasts()].map((entries) =>
    pickOf<object>(entries, index),
  );
  return [player, monsterOfAll, beast, state, state.flags, (player as Player | undefined)?.pos][index];
}

const steps = fc.array(pick, { maxLength: 3 });

/** Every kind of change for which the protocol promises convergence, at every place in the state. */
export const anyMutation: fc.Arbitrary<Mutation> = fc.oneof(
  mutation("count.set", fc.integer(), (state, value) => state.count.set(value)),
  mutation("title.set", scalar, (state, value) => state.title.set(value === null ? null : String(value))),
  mutation("turn.set", fc.integer(), (state, value) => state.turn.set(value)),
  mutation("seed.set", fc.integer(), (state, value) => state.seed.set(value)),
  mutation("flags.a", fc.integer(), (state, value) => state.flags.a.update((old) => old + value)),
  mutation("shout", fc.constantFrom("a", "b"), (state, value) => state.shout.set(value)),
  mutation("gm", fc.constantFrom("a", "b"), (state, value) => state.gm.set(value)),
  mutation("scores.set", fc.array(fc.integer(), { maxLength: 6 }), (state, value) => state.scores.set(value)),
  mutation("scores.push", fc.integer(), (state, value) => state.scores().push(value)),
  mutation("scores.index", fc.tuple(pick, fc.integer()), (state, [index, value]) => {
    if (index < state.scores().length) state.scores()[index] = value;
  }),
  mutation("board.set", list, (state, value) => state.board.set(value)),
  mutation("board.push", list, (state, value) => state.board().push(...value)),
  mutation("board.unshift", list, (state, value) => state.board().unshift(...value)),
  mutation("board.splice", fc.tuple(pick, pick, list), (state, [at, count, items]) =>
    state.board().splice(at, count, ...items),
  ),
  mutation("board.index", fc.tuple(pick, plain), (state, [index, value]) => {
    state.board()[Math.min(index, state.board().length)] = value;
  }),
  mutation("board.delete", pick, (state, index) => {
    if (index < state.board().length) delete state.board()[index];
  }),
  mutation("board.length", pick, (state, length) => (state.board().length = length)),
  ...(["pop", "shift", "reverse", "sort"] as const).map((method) =>
    mutation(`board.${method}`, fc.constant(null), (state) => void state.board()[method]()),
  ),
  mutation("board.mutate", fc.tuple(steps, key, plain), (state, [path, at, value]) =>
    state.board.mutate((board) =>
      dig(board, path, (node) => {
        if (Array.isArray(node)) node.push(value);
        else node[at] = value;
      }),
    ),
  ),
  mutation("config.set", record, (state, value) => state.config.set(value)),
  mutation("config.key", fc.tuple(key, plain), (state, [at, value]) => (state.config()[at] = value)),
  mutation("config.delete", pick, (state, index) => delete state.config()[pickKey(state.config(), index)]),
  mutation("config.mutate", fc.tuple(steps, key, plain), (state, [path, at, value]) =>
    state.config.mutate((config) =>
      dig(config, path, (node) => {
        if (Array.isArray(node)) node.splice(0, 1, value);
        else node[at] = value;
      }),
    ),
  ),
  mutation("config.mutate delete", fc.tuple(steps, pick), (state, [path, index]) =>
    state.config.mutate((config) =>
      dig(config, path, (node) => {
        if (Array.isArray(node)) node.length = Math.min(node.length, index);
        else delete node[pickKey(node, index)];
      }),
    ),
  ),
  mutation("monsters.add", key, (state, at) => (state.monsters()[at] = monster())),
  mutation("monsters.delete", pick, (state, index) => delete state.monsters()[pickKey(state.monsters(), index)]),
  mutation("monsters.again", fc.tuple(pick, key), (state, [index, at]) => {
    const name = pickKey(state.monsters(), index);
    const entry = state.monsters()[name];
    if (!entry) return;
    delete state.monsters()[name];
    state.monsters()[at] = entry;
  }),
  mutation("monsters.replace", fc.array(key, { maxLength: 3 }), (state, keys) => {
    state.monsters.set(Object.fromEntries(keys.map((at) => [at, state.monsters()[at] ?? monster()])));
  }),
  mutation("monster.hp", fc.tuple(pick, fc.integer()), (state, [index, hp]) =>
    pickOf(state.monsters(), index)?.hp.set(hp),
  ),
  mutation(
    "monster.loot",
    fc.tuple(pick, fc.dictionary(key, fc.integer(), { maxKeys: 3, noNullPrototype: true })),
    (state, [index, loot]) => pickOf(state.monsters(), index)?.loot.set(loot),
  ),
  mutation("player.x", fc.tuple(pick, fc.integer()), (state, [index, x]) => pickOf(state.players(), index)?.x.set(x)),
  mutation("player.name", fc.tuple(pick, fc.option(fc.string({ maxLength: 3 }))), (state, [index, name]) =>
    pickOf(state.players(), index)?.name.set(name),
  ),
  mutation("player.stance", fc.tuple(pick, fc.integer()), (state, [index, value]) =>
    pickOf(state.players(), index)?.stance.set(value),
  ),
  mutation("player.pos", fc.tuple(pick, fc.integer()), (state, [index, x]) =>
    pickOf(state.players(), index)?.pos.x.set(x),
  ),
  mutation(
    "player.hand",
    fc.tuple(pick, fc.array(fc.constantFrom("♠", "♥"), { maxLength: 3 })),
    (state, [index, hand]) => pickOf(state.players(), index)?.hand.set(hand),
  ),
  mutation("player.team", fc.tuple(pick, fc.constantFrom(0, 12, 13)), (state, [index, team]) =>
    pickOf(state.players(), index)?.team.set(team),
  ),
  mutation("player.plan", fc.tuple(pick, fc.constantFrom("a", "b", "c")), (state, [index, plan]) =>
    pickOf(state.players(), index)?.plan.set(plan),
  ),
  mutation("player.items", fc.tuple(pick, key, fc.boolean()), (state, [index, at, add]) => {
    const items = pickOf(state.players(), index)?.items();
    if (!items) return;
    if (add) items[at] = item();
    else delete items[at];
  }),
  mutation("player.item", fc.tuple(pick, pick, fc.integer()), (state, [index, at, count]) =>
    pickOf(pickOf(state.players(), index)?.items() ?? {}, at)?.count.set(count),
  ),
  mutation("player.remove", pick, (state, index) => delete state.players()[pickKey(state.players(), index)]),
  mutation(
    "beasts.add",
    fc.tuple(key, fc.constantFrom("beast", "dragon", "rock"), pick),
    (state, [at, kind, other]) => {
      const { Beast, Dragon, rock } = state.kinds;
      const beast = kind === "rock" ? rock() : kind === "dragon" ? new Dragon() : new Beast();
      beast.plain = anyObject(state, other) ?? beast;
      beast.mate.set(pickOf(state.beasts(), other));
      if (beast instanceof Dragon) beast.eggs()["first"] = item();
      if (beast instanceof Dragon) beast.treasure.set(pickOf(state.vault(), other));
      state.beasts()[at] = beast;
    },
  ),
  mutation("beasts.delete", pick, (state, index) => delete state.beasts()[pickKey(state.beasts(), index)]),
  mutation("beasts.again", fc.tuple(pick, key), (state, [index, at]) => {
    const name = pickKey(state.beasts(), index);
    const beast = state.beasts()[name];
    if (!beast) return;
    delete state.beasts()[name];
    state.beasts()[at] = beast;
  }),
  mutation("beast.hp", fc.tuple(pick, fc.integer()), (state, [index, value]) => {
    const beast = pickOf(state.beasts(), index);
    if (beast && "lair" in beast) beast.lair.depth.set(value);
    if (beast && "fire" in beast) beast.fire.set(value);
    if (beast && "hoard" in beast) beast.hoard.set([`gold ${value}`]);
    if (beast && "weight" in beast) beast.weight.set(value);
  }),
  mutation("beast.mate", fc.tuple(pick, fc.option(pick)), (state, [index, other]) => {
    pickOf(state.beasts(), index)?.mate.set(other === null ? undefined : pickOf(state.beasts(), other));
  }),
  mutation("beast.prey", fc.tuple(pick, pick), (state, [index, other]) => {
    const beast = pickOf(state.beasts(), index);
    if (beast && "prey" in beast) beast.prey.set(pickOf(state.players(), other));
  }),
  mutation("beast.treasure", fc.tuple(pick, pick), (state, [index, other]) => {
    const beast = pickOf(state.beasts(), index);
    if (beast && "treasure" in beast) beast.treasure.set(pickOf(state.vault(), other));
  }),
  mutation("references", fc.tuple(pick, pick, pick), (state, [prize, rival, passing]) => {
    state.prize.set(pickOf(state.vault(), prize));
    state.rival.set(pickOf(state.players(), rival));
    state.passing.set(pickOf(state.beasts(), passing));
  }),
  mutation("vault", fc.tuple(key, fc.boolean()), (state, [at, isThere]) => {
    if (isThere) state.vault()[`hidden ${at}`] = { gold: sync(signal(2)) };
    else delete state.vault()[`hidden ${at}`];
  }),
  // Plain properties may refer to parts of the state, and may be set at any time. They have no effect on it.
  mutation("plain reference", fc.tuple(pick, pick, fc.boolean()), (state, [from, to, isNew]) => {
    const entry = isNew ? monster() : anyObject(state, from);
    if (!entry) return;
    (entry as { plain?: unknown }).plain = anyObject(state, to);
    if (isNew) state.monsters()["a"] = entry as ReturnType<typeof monster>;
  }),
  mutation("player.replace", pick, (state, index) => {
    const name = pickKey(state.players(), index);
    if (state.players()[name]) state.players()[name] = new Player();
  }),
  mutation(
    "an odd value",
    fc.tuple(fc.constantFrom(...Object.keys(ODD_VALUES)), fc.nat({ max: 4 })),
    (state, [name, door]) => {
      const odd = () => ODD_VALUES[name]?.() as never;
      const doors = [
        () => state.board.set([odd()]),
        () => state.board().push(odd()),
        () => (state.config()["odd"] = odd()),
        () => state.config.mutate((config) => (config["odd"] = { deep: odd() })),
        () => state.title.set(odd()),
      ];
      try {
        doors[door]?.();
      } catch (error) {
        if (ODD_REFUSAL.test(String(error))) return;
        throw error;
      }
      throw new Error(`The state took ${name}`);
    },
  ),
  mutation("player.add", key, (state, at) => {
    const player = new Player();
    player.items()["first"] = item();
    state.players()[at] = player;
  }),
);
