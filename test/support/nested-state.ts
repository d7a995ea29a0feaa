import { computed, signal } from "@signe/reactive";
import fc from "fast-check";
import { collection, sync } from "../../src/state/fields.ts";
import { isOdd, oddMark, withOddValues } from "./odd-values.ts";

/** Collections in collections, whose fields have any plain data under any keys. */

const isGm = ({ auth }: { auth: Readonly<Record<string, unknown>> | null }) => auth?.["gm"] === true;

const leaf = () => ({
  n: sync(signal(0)),
  any: sync(signal<unknown>(null)),
  list: sync(signal<unknown[]>([])),
  bag: sync(signal<Record<string, unknown>>({})),
  own: sync(signal<unknown>(null), { visibleTo: isGm }),
});
const branch = () => ({ ...leaf(), items: collection(leaf), pos: { x: sync(signal<unknown>(null)) } });
const tree = () => ({ ...leaf(), branches: collection(branch), vault: collection(leaf, { visibleTo: isGm }) });

export function nestedState() {
  const trees = collection(tree);
  return { ...leaf(), trees, count: sync(computed(() => Object.keys(trees()).length)) };
}
export type NestedState = ReturnType<typeof nestedState>;
type Leaf = ReturnType<typeof leaf>;
/** A collection of any kind, as the random changes see it. */
interface Entries {
  (): Record<string, object>;
  set(entries: Record<string, object>): void;
}

/** All objects in the state that have the fields of a leaf. */
function leavesOf(state: NestedState): Leaf[] {
  const trees = Object.values(state.trees());
  const branches = trees.flatMap(({ branches: inner }) => Object.values(inner()));
  const hidden = trees.flatMap(({ vault }) => Object.values(vault()));
  return [state, ...trees, ...hidden, ...branches, ...branches.flatMap(({ items }) => Object.values(items()))];
}

function collectionsOf(state: NestedState): { entries: Entries; make: () => object }[] {
  const trees = Object.values(state.trees());
  const branches = trees.flatMap(({ branches: inner }) => Object.values(inner()));
  const all = [
    { entries: state.trees, make: tree },
    ...trees.map(({ branches: entries }) => ({ entries, make: branch })),
    ...trees.map(({ vault }) => ({ entries: vault, make: leaf })),
    ...branches.map(({ items }) => ({ entries: items, make: leaf })),
  ];
  return all;
}

/**
 * Whether JSON.parse reads keys correctly. In Node 24 (V8 13.6) it reads a key of one escaped character, such as "\n",
 * as "\\" if an earlier object had that one in the same place. Workers are not affected.
 */
function parsesEscapedKeys(): boolean {
  // Use an object whose shape occurs nowhere else, because V8 remembers keys by shape.
  return [String.raw`{"parsed":0,"\\":1}`, String.raw`{"parsed":0,"\n":1}`].every((text) => {
    return JSON.stringify(JSON.parse(text)) === text;
  });
}

// prettier-ignore
const KEYS = [
  "0", "1", "-1", "", " ", "é", "💥", "𝒳", "a b", "$", "$delete", "'", '"', "/", "[0]", "\0", "null", "length", "then",
  "toJSON", "set", "mutate", "value", "options", "id", "name", "size", "pId", "any", "list", "bag", "n", "items",
  ...(parsesEscapedKeys() ? ["\\"] : []),
];
const key = fc.oneof({ weight: 2, arbitrary: fc.constantFrom("a", "b") }, fc.constantFrom(...KEYS));
const scalar = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom("", "x", "é💥", "\ud800", "$", "null"),
  fc.constantFrom(true, false, null, undefined, Number.NaN, -0, Infinity, 1e21, 0.1),
);
const plain = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { weight: 9, arbitrary: scalar },
    { weight: 3, arbitrary: fc.dictionary(key, tie("any"), { maxKeys: 3, noNullPrototype: true }) },
    { weight: 3, arbitrary: fc.array(tie("any"), { maxLength: 4 }) },
    { weight: 1, arbitrary: oddMark },
  ),
})).any;
const bag = fc.dictionary(key, plain, { maxKeys: 3, noNullPrototype: true });
const list = fc.array(plain, { maxLength: 5 });
const pick = fc.nat({ max: 7 });
const at = <T>(all: readonly T[], index: number): T => all[index % all.length] as T;

/** Follows a path into plain data. */
function dig(value: object, steps: readonly number[]): unknown[] | Record<string, unknown> {
  let node = value as Record<string, unknown>;
  for (const step of steps) {
    const next = node[at(["none", ...Object.keys(node)], step)];
    if (typeof next !== "object" || next === null) break;
    node = next as Record<string, unknown>;
  }
  return node;
}

/** A change of the state, with a name for the reports of failing runs. */
interface Change {
  readonly name: string;
  run(state: NestedState): void;
}

function change<T>(name: string, input: fc.Arbitrary<T>, run: (state: NestedState, input: T) => void) {
  return input.map((given): Change => ({
    name: `${name} ${JSON.stringify(given)}`,
    run: (state) => run(state, withOddValues(given) as T),
  }));
}

/** An entry with nested entries and a value in its fields. */
function filled(make: () => object, inside: string, value: unknown): object {
  const entry = make() as Partial<ReturnType<typeof tree> & ReturnType<typeof branch>>;
  entry.any?.set(value);
  if (entry.items) entry.items()[inside] = leaf();
  if (entry.vault) entry.vault()[inside] = leaf();
  if (entry.branches) entry.branches()[inside] = filled(branch, inside, value) as ReturnType<typeof branch>;
  return entry;
}

export const anyChange: fc.Arbitrary<Change> = fc.oneof(
  change("add", fc.tuple(pick, key), (state, [which, name]) => {
    const { entries, make } = at(collectionsOf(state), which);
    entries()[name] = make();
  }),
  change("add filled", fc.tuple(pick, key, key, plain), (state, [which, name, inside, value]) => {
    const { entries, make } = at(collectionsOf(state), which);
    entries()[name] = filled(make, inside, value);
  }),
  change("delete", fc.tuple(pick, pick), (state, [which, index]) => {
    const { entries } = at(collectionsOf(state), which);
    delete entries()[at(["a", ...Object.keys(entries())], index)];
  }),
  change("delete, and add again", fc.tuple(pick, pick, key, fc.boolean()), (state, [which, index, name, isSame]) => {
    const { entries } = at(collectionsOf(state), which);
    const old = at(["a", ...Object.keys(entries())], index);
    const entry = entries()[old];
    if (!entry) return;
    delete entries()[old];
    (entry as Leaf).n.set(99);
    entries()[isSame ? old : name] = entry;
  }),
  change("replace all", fc.tuple(pick, fc.array(key, { maxLength: 3 })), (state, [which, names]) => {
    const { entries, make } = at(collectionsOf(state), which);
    entries.set(Object.fromEntries(names.map((name) => [name, entries()[name] ?? make()])));
  }),
  change("n", fc.tuple(pick, fc.integer()), (state, [which, value]) => at(leavesOf(state), which).n.set(value)),
  change("any", fc.tuple(pick, plain), (state, [which, value]) => at(leavesOf(state), which).any.set(value)),
  change("own", fc.tuple(pick, plain), (state, [which, value]) => at(leavesOf(state), which).own.set(value)),
  change("pos", fc.tuple(pick, plain), (state, [which, value]) => {
    const branches = leavesOf(state).filter((entry) => "pos" in entry) as ReturnType<typeof branch>[];
    if (branches.length > 0) at(branches, which).pos.x.set(value);
  }),
  change("list", fc.tuple(pick, list), (state, [which, value]) => at(leavesOf(state), which).list.set(value)),
  change(
    "list inside",
    fc.tuple(pick, fc.array(pick, { maxLength: 3 }), key, plain),
    (state, [which, steps, name, value]) =>
      at(leavesOf(state), which).list.mutate((items) => {
        const node = dig(items, steps);
        if (Array.isArray(node)) node.push(value);
        else node[name] = value;
      }),
  ),
  change("list in place", fc.tuple(pick, fc.constantFrom("pop", "shift", "reverse", "sort"), plain), (state, input) => {
    const [which, method, value] = input;
    const items = at(leavesOf(state), which).list();
    items[method as "pop"]();
    if (items.length > 0) items[0] = value;
  }),
  change("bag", fc.tuple(pick, bag), (state, [which, value]) => at(leavesOf(state), which).bag.set(value)),
  change("bag key", fc.tuple(pick, key, plain), (state, [which, name, value]) => {
    at(leavesOf(state), which).bag()[name] = value;
  }),
  change(
    "bag inside",
    fc.tuple(pick, fc.array(pick, { maxLength: 3 }), key, plain, fc.boolean()),
    (state, [which, steps, name, value, isDeleted]) =>
      at(leavesOf(state), which).bag.mutate((items) => {
        const node = dig(items, steps);
        if (Array.isArray(node)) node.splice(0, isDeleted ? 2 : 0, value);
        else if (isDeleted) delete node[at(["a", ...Object.keys(node)], 1)];
        else node[name] = value;
      }),
  ),
);

/** Whether any field contains a value that JSON cannot represent. */
export function holdsOddValues(state: NestedState): boolean {
  return leavesOf(state).some((leaf) => [leaf.any(), leaf.list(), leaf.bag(), leaf.own()].some(isOdd));
}
