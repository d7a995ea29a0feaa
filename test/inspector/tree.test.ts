import { signal } from "@signe/reactive";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hide, hideInJson } from "../../src/platform/private.ts";
import { MOST_NODES, treeOf } from "../../src/inspector/tree.ts";
import { collection, sync } from "../../src/state/fields.ts";
import { reference } from "../../src/state/reference.ts";
import { Tree } from "../../src/state/tree.ts";
import type { TreeNode } from "../../src/inspector/types.ts";

const NOBODY = () => false;
const SECRETS = ["ada", 'quote " and \\ slash', "zoë 🎲", "\u2028", "x".repeat(256)];
const isPrivate = (text: string) => SECRETS.includes(text);
const secret = fc.constantFrom(...SECRETS);
/** JSON with private ids as values and keys at any depth. */
const json = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, secret, fc.jsonValue(), fc.array(tie("value")), fc.dictionary(secret, tie("value"))),
})).value;

const nodesOf = (node: TreeNode): TreeNode[] => [node, ...(node.children ?? []).flatMap(nodesOf)];
/** The contents of all string literals in a text. */
const literalsOf = (text: string) =>
  [...text.matchAll(/"(?:[^"\\]|\\.)*"/g)].map(([found]) => JSON.parse(found) as string);

describe("P12.5: private values", () => {
  it("P12.5: are in no string of a packet, even if it is shortened", () => {
    fc.assert(
      fc.property(json, fc.nat(300), (value, cut) => {
        const text = JSON.stringify(value);
        expect(literalsOf(hideInJson(text, isPrivate)).filter(isPrivate)).toEqual([]);
        expect(literalsOf(hideInJson(text.slice(0, cut), isPrivate)).filter(isPrivate)).toEqual([]);
      }),
    );
  });

  it("P12.5: are all that is removed from a packet", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!/[\w-]{43}|eyJ/.test(text));
        expect(hideInJson(text, NOBODY)).toBe(text);
      }),
    );
  });

  it("P12.5: tokens are hidden in any text, and nothing else is", () => {
    const token = "Ab-_9".repeat(9).slice(0, 43);
    expect(hide(`a ${token}, b`, NOBODY)).toBe("a (private), b");
    expect(hide("a eyJhbGciOi.eyJzdWIi.c2ln b", NOBODY)).toBe("a (private) b");
    for (const text of ["key eyJ", "a".repeat(42), "a".repeat(44), crypto.randomUUID()])
      expect(hide(text, NOBODY)).toBe(text);
  });

  it("P12.5: are neither values nor keys of a tree", () => {
    fc.assert(
      fc.property(json, (value) => {
        for (const { key, kind, text = "" } of nodesOf(treeOf("state", value, isPrivate))) {
          expect(isPrivate(key)).toBe(false);
          if (kind === "text") expect(isPrivate(JSON.parse(text) as string)).toBe(false);
        }
      }),
    );
  });
});

/** The fields and entries of a whole tree whose path contains this text. */
const found = ({ children = [], ...root }: TreeNode, text: string): TreeNode => {
  const isFound = (path: string) => path.toLowerCase().includes(text.toLowerCase());
  const shown = children.flatMap((field) => {
    if (isFound(field.key)) return [field];
    const entries = field.children?.filter(({ key }) => isFound(`${field.key}.${key}`)) ?? [];
    return entries.length > 0 ? [{ ...field, children: entries }] : [];
  });
  return { ...root, children: shown };
};

describe("P12.10: a search in a tree", () => {
  const texts = fc.oneof(
    fc.string({ minLength: 1, maxLength: 3 }),
    secret,
    fc.constantFrom("PRIV", ")", ".", "a", "0"),
  );

  it("P12.10: finds fields and entries whose path contains the text, and no hidden ones", () => {
    const state = fc.dictionary(fc.oneof(secret, fc.string()), json);
    fc.assert(
      fc.property(state, texts, (value, text) => {
        expect(treeOf("state", value, isPrivate, text)).toEqual(found(treeOf("state", value, isPrivate), text));
      }),
    );
  });

  it("P12.10: finds entries beyond the first rows, and says how many more there are", () => {
    const entries = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`entry-${index}`, { hp: index }]));
    const state = { players: collection(() => ({})), names: signal(entries), title: "entry" };
    const [names, ...others] = treeOf("state", state, NOBODY, "NAMES.entry-99").children ?? [];
    expect(names?.children?.map(({ key }) => key)).toEqual(
      [99, 990, 991, 992, 993, 994, 995, 996, 997, 998, 999].map((index) => `entry-${index}`),
    );
    expect(names?.children?.[0]?.children).toEqual([{ key: "hp", kind: "number", text: "99" }]);
    expect(others).toEqual([]);
    expect(treeOf("state", state, NOBODY, "entry-").children).toMatchObject([{ key: "names", more: 900 }]);
  });
});

describe("P12.4: a tree", () => {
  it("P12.4: is made from any value, and limited", () => {
    fc.assert(
      fc.property(fc.anything({ maxDepth: 6, withBigInt: true, withDate: true, withMap: true }), (value) => {
        const nodes = nodesOf(treeOf("state", value, NOBODY));
        expect(nodes.length).toBeLessThanOrEqual(MOST_NODES);
        for (const { key, text = "" } of nodes) expect(key.length + text.length).toBeLessThan(1500);
      }),
    );
  });

  it("P12.3: shows an entry only in its own place, with its kind", () => {
    class Monster {
      hp = sync(signal(1));
      self = this;
      friend: unknown;
      world: unknown;
    }
    const state = { monsters: collection({ monster: Monster }), spare: undefined as unknown };
    const tree = new Tree(state);
    const [a, b] = [(state.monsters()["a"] = new Monster()), (state.monsters()["b"] = new Monster())];
    Object.assign(a, { friend: b, world: state });
    state.spare = b;
    tree.settle();
    const { children } = treeOf("state", state, NOBODY);
    const [monsters, spare] = children ?? [];
    expect(monsters?.children?.map(({ key, tags }) => [key, tags])).toEqual([
      ["a", ["monster"]],
      ["b", ["monster"]],
    ]);
    expect(monsters?.children?.[0]?.children?.map(({ key, text }) => `${key}: ${text}`)).toEqual([
      "hp: 1",
      "self: refers to monsters.a",
      "friend: refers to monsters.b",
      "world: refers to the state",
    ]);
    expect(spare).toEqual({ key: "spare", kind: "other", text: "refers to monsters.b" });
  });

  it("P12.3: shows a reference as its key, regardless of visibility", () => {
    const vault = collection(() => ({ gold: sync(signal(1)) }), { visibleTo: () => false });
    const state = { vault, prize: reference(() => vault()), none: reference(() => vault()) };
    const tree = new Tree(state);
    state.vault()["a"] = { gold: sync(signal(1)) };
    state.prize.set(state.vault()["a"]);
    tree.settle();
    const [, prize, none] = treeOf("state", state, NOBODY).children ?? [];
    expect(prize).toEqual({ key: "prize", kind: "text", text: '"a"', tags: ["reference"] });
    expect(none).toEqual({ key: "none", kind: "null", text: "null", tags: ["reference"] });
  });

  it("P12.4: ends at a circle, and at a value that throws", () => {
    const circle: Record<string, unknown> = {};
    circle["again"] = circle;
    expect(nodesOf(treeOf("state", circle, NOBODY)).length).toBeLessThan(50);
    const broken = new Proxy({}, { ownKeys: () => ["a", "b"].map((key) => (key === "b" ? 1 : key) as string) });
    const angry = Object.defineProperty({}, "a", {
      enumerable: true,
      get: () => {
        throw new Error("no");
      },
    });
    const { children } = treeOf("state", { broken, angry, fine: signal(1) }, NOBODY);
    expect(children?.map(({ key, children: inner, text }) => [key, inner?.map((node) => node.text) ?? text])).toEqual([
      ["broken", ["cannot be read"]],
      ["angry", ["cannot be read"]],
      ["fine", "1"],
    ]);
  });
});
