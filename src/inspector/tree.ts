import { isSignal } from "@signe/reactive";
import { fieldOf, isEntry } from "../state/fields.ts";
import type { Field } from "../state/fields.ts";
import { hide } from "./private.ts";
import type { IsPrivate } from "./private.ts";
import type { TreeNode } from "./types.ts";

/** Of each value in a tree, and of all of it: more is left out, and counted. */
export const MOST_CHILDREN = 100;
export const MOST_NODES = 2000;
const MOST_DEPTH = 16;
const LONGEST_TEXT = 200;
const LONGEST_KEY = 100;
const UNREADABLE = { kind: "unreadable", text: "cannot be read" } as const;

/**
 * Any value as a tree to look at, whatever it holds: signals are read, what is large or deep is cut, and what cannot be
 * read is a node that says so. Reading a computed signal runs its code.
 */
export function treeOf(key: string, value: unknown, isPrivate: IsPrivate): TreeNode {
  return new Gardener(isPrivate).grow(key, value);
}

type Branch = { -readonly [K in keyof TreeNode]: TreeNode[K] } & { children: TreeNode[] };

/** Something that has parts, which have no nodes yet. */
interface Bud {
  readonly branch: Branch;
  readonly value: Readonly<Record<string, unknown>>;
  readonly depth: number;
}

/** Grows a tree level by level, so that what is large leaves room for what is beside it. */
class Gardener {
  readonly #isPrivate: IsPrivate;
  readonly #buds: Bud[] = [];
  #left = MOST_NODES;

  constructor(isPrivate: IsPrivate) {
    this.#isPrivate = isPrivate;
  }

  grow(key: string, value: unknown): TreeNode {
    const root = this.#node(key, () => value, 0, false);
    // It gets longer meanwhile.
    for (const bud of this.#buds) {
      try {
        this.#open(bud);
      } catch {
        // Stored entries are read here, for one.
        bud.branch.children.push({ key: "…", ...UNREADABLE });
      }
    }
    return root;
  }

  #open({ branch, value, depth }: Bud): void {
    const keys = Object.keys(value).filter((key) => isWorthShowing(value, key));
    for (const key of depth < MOST_DEPTH ? keys.slice(0, MOST_CHILDREN) : []) {
      if (this.#left <= 0) break;
      branch.children.push(this.#node(key, () => value[key], depth + 1, isEntry(value)));
    }
    const more = keys.length - branch.children.length;
    if (more > 0) branch.more = more;
  }

  /** @param isField whether it is a property of the state, or of an entry, rather than a part of a value */
  #node(name: string, read: () => unknown, depth: number, isField: boolean): TreeNode {
    this.#left--;
    const key = cut(hide(name, this.#isPrivate), LONGEST_KEY);
    try {
      const value = read();
      const tags = isField ? tagsOf(value) : [];
      const marked = tags.length > 0 ? { key, tags } : { key };
      const inside = isSignal(value) ? (value as () => unknown)() : value;
      return typeof inside !== "object" || inside === null || "toJSON" in inside
        ? { ...marked, ...this.#leaf(inside) }
        : this.#branch(marked, inside, depth);
    } catch {
      return { key, ...UNREADABLE };
    }
  }

  #branch(marked: Pick<TreeNode, "key" | "tags">, value: object, depth: number): TreeNode {
    const branch: Branch = { ...marked, kind: Array.isArray(value) ? "list" : "object", children: [] };
    this.#buds.push({ branch, value: value as Record<string, unknown>, depth });
    return branch;
  }

  #leaf(value: unknown): Pick<TreeNode, "kind" | "text"> {
    if (typeof value === "object" && value !== null)
      return { kind: "other", text: cut(hide(JSON.stringify(value), this.#isPrivate)) };
    if (typeof value !== "string") return { kind: value === null ? "null" : typeof value, text: cut(String(value)) };
    return { kind: "text", text: JSON.stringify(cut(hide(value.slice(0, 4 * LONGEST_TEXT), this.#isPrivate))) };
  }
}

/** Methods are not part of a state. An entry that is only stored is not read for this: it is made by a getter. */
function isWorthShowing(owner: object, key: string): boolean {
  const value: unknown = Object.getOwnPropertyDescriptor(owner, key)?.value;
  return typeof value !== "function" || isSignal(value);
}

const KINDS: Partial<Record<Field["kind"], string>> = {
  users: "users",
  collection: "collection",
  computed: "computed",
};

function tagsOf(value: unknown): string[] {
  const field = fieldOf(value);
  if (!field) return isSignal(value) ? ["memory only"] : [];
  const { kind, synced, persisted, visibleTo } = field;
  const tags = [KINDS[kind] ?? "", visibleTo === "all" ? "" : visibleTo === "owner" ? "owner only" : "some see it"];
  if (!synced) tags.push("not sent");
  if (!persisted && kind === "value") tags.push("not stored");
  return tags.filter((tag) => tag !== "");
}

function cut(text: string, most = LONGEST_TEXT): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}
