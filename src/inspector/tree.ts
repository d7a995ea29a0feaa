import { isSignal } from "@signe/reactive";
import { fieldOf, nodeOf } from "../state/members.ts";
import type { Field } from "../state/field.ts";
import type { StateNode } from "../state/members.ts";
import { hide } from "../platform/private.ts";
import type { IsPrivate } from "../platform/private.ts";
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
 *
 * @param search a part of the path of a field or of an entry, as `players.ann`: only those are in the tree, with all
 *   that is in them
 */
export function treeOf(key: string, value: unknown, isPrivate: IsPrivate, search = ""): TreeNode {
  return new TreeBuilder(isPrivate, search).build(key, value);
}

type OpenNode = { -readonly [K in keyof TreeNode]: TreeNode[K] } & { children: TreeNode[] };

/** Where a value is. */
interface Place {
  readonly depth: number;
  /** The state, or the entry, that it is a property of; undefined for a part of a value. */
  readonly owner: StateNode | undefined;
  /** What leads to its children, where only some of them are searched for. */
  readonly path: string | undefined;
}

/** A node whose children are not built yet. */
interface Pending {
  readonly node: OpenNode;
  readonly value: Readonly<Record<string, unknown>>;
  readonly place: Place;
}

/** Builds a tree level by level, so that a large value does not use up the nodes of those beside it. */
class TreeBuilder {
  readonly #isPrivate: IsPrivate;
  readonly #search: string;
  readonly #pending: Pending[] = [];
  #left = MOST_NODES;

  constructor(isPrivate: IsPrivate, search: string) {
    this.#isPrivate = isPrivate;
    this.#search = search.toLowerCase();
  }

  build(key: string, value: unknown): TreeNode {
    const path = this.#search === "" ? undefined : "";
    const root = this.#node(key, () => value, { depth: 0, owner: undefined, path });
    // The list grows while it is iterated.
    for (const pending of this.#pending) {
      try {
        this.#addChildren(pending);
      } catch {
        // Stored entries are read here, among others.
        pending.node.children.push({ key: "…", ...UNREADABLE });
      }
    }
    return root;
  }

  #addChildren({ node, value, place: { depth, path } }: Pending): void {
    const keys = Object.keys(value).filter((key) => isWorthShowing(value, key));
    const found =
      path === undefined ? keys : keys.filter((key) => this.#isFound(path, key) || this.#holds(path, value, key));
    for (const key of depth < MOST_DEPTH ? found.slice(0, MOST_CHILDREN) : []) {
      if (this.#left <= 0) break;
      const isWhole = path === undefined || this.#isFound(path, key);
      const below = isWhole ? undefined : `${this.#shown(key)}.`;
      node.children.push(this.#node(key, () => value[key], { depth: depth + 1, owner: nodeOf(value), path: below }));
    }
    const more = found.length - node.children.length;
    if (more > 0) node.more = more;
  }

  /** Only what is shown of a name is searched, so that a search tells nothing of what is hidden. */
  #isFound(path: string, key: string): boolean {
    return (path + this.#shown(key)).toLowerCase().includes(this.#search);
  }

  /** Whether a field of the state has an entry that is searched for. */
  #holds(path: string, state: Readonly<Record<string, unknown>>, key: string): boolean {
    if (path !== "") return false;
    try {
      const inside = insideOf(state[key]);
      return isObject(inside) && Object.keys(inside).some((name) => this.#isFound(`${this.#shown(key)}.`, name));
    } catch {
      return false;
    }
  }

  #shown(name: string): string {
    return cut(hide(name, this.#isPrivate), LONGEST_KEY);
  }

  #node(name: string, read: () => unknown, place: Place): TreeNode {
    this.#left--;
    const { owner } = place;
    const key = this.#shown(name);
    try {
      const value = read();
      const tags = tagsOf(value, owner);
      const marked = tags.length > 0 ? { key, tags } : { key };
      const referred = owner && isObject(value) && !owner.holds(name, value) ? nodeOf(value) : undefined;
      if (referred) return { ...marked, kind: "other", text: cut(hide(whereIs(referred), this.#isPrivate)) };
      const inside = insideOf(value);
      return typeof inside !== "object" || inside === null || "toJSON" in inside
        ? { ...marked, ...this.#leaf(inside) }
        : this.#parent(marked, inside, place);
    } catch {
      return { key, ...UNREADABLE };
    }
  }

  #parent(marked: Pick<TreeNode, "key" | "tags">, value: object, place: Place): TreeNode {
    const node: OpenNode = { ...marked, kind: Array.isArray(value) ? "list" : "object", children: [] };
    this.#pending.push({ node, value: value as Record<string, unknown>, place });
    return node;
  }

  #leaf(value: unknown): Pick<TreeNode, "kind" | "text"> {
    if (typeof value === "object" && value !== null)
      return { kind: "other", text: cut(hide(JSON.stringify(value), this.#isPrivate)) };
    if (typeof value !== "string") return { kind: value === null ? "null" : typeof value, text: cut(String(value)) };
    return { kind: "text", text: JSON.stringify(cut(hide(value.slice(0, 4 * LONGEST_TEXT), this.#isPrivate))) };
  }
}

/** What a field holds: of a reference, the key. */
function insideOf(value: unknown): unknown {
  const { target } = fieldOf(value) ?? {};
  return target ? target.key() : isSignal(value) ? (value as () => unknown)() : value;
}

/** Methods are not part of a state. An entry that is only stored is not read for this: it is made by a getter. */
function isWorthShowing(owner: object, key: string): boolean {
  const value: unknown = Object.getOwnPropertyDescriptor(owner, key)?.value;
  return typeof value !== "function" || isSignal(value) || fieldOf(value) !== undefined;
}

const KINDS: Partial<Record<Field["kind"], string>> = {
  users: "users",
  collection: "collection",
  computed: "computed",
  reference: "reference",
};

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** What a plain property refers to is shown in its own place. */
function whereIs(node: StateNode): string {
  return `refers to ${node.names().join(".") || "the state"}`;
}

function tagsOf(value: unknown, owner: StateNode | undefined): string[] {
  const variant = isObject(value) ? nodeOf(value)?.kind : undefined;
  if (!owner) return variant === undefined ? [] : [variant];
  const field = fieldOf(value);
  if (!field) return isSignal(value) ? ["memory only"] : [];
  const { kind, synced, persisted, visibleTo } = field;
  const tags = [KINDS[kind] ?? "", visibleTo === "all" ? "" : visibleTo === "owner" ? "owner only" : "some see it"];
  if (!synced) tags.push("not sent");
  if (!persisted && (kind === "value" || kind === "reference")) tags.push("not stored");
  return tags.filter((tag) => tag !== "");
}

function cut(text: string, most = LONGEST_TEXT): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}
