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
 */
export function treeOf(key: string, value: unknown, isPrivate: IsPrivate): TreeNode {
  return new TreeBuilder(isPrivate).build(key, value);
}

type OpenNode = { -readonly [K in keyof TreeNode]: TreeNode[K] } & { children: TreeNode[] };

/** A node whose children are not built yet. */
interface Pending {
  readonly node: OpenNode;
  readonly value: Readonly<Record<string, unknown>>;
  readonly depth: number;
}

/** Builds a tree level by level, so that a large value does not use up the nodes of those beside it. */
class TreeBuilder {
  readonly #isPrivate: IsPrivate;
  readonly #pending: Pending[] = [];
  #left = MOST_NODES;

  constructor(isPrivate: IsPrivate) {
    this.#isPrivate = isPrivate;
  }

  build(key: string, value: unknown): TreeNode {
    const root = this.#node(key, () => value, 0, undefined);
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

  #addChildren({ node, value, depth }: Pending): void {
    const keys = Object.keys(value).filter((key) => isWorthShowing(value, key));
    for (const key of depth < MOST_DEPTH ? keys.slice(0, MOST_CHILDREN) : []) {
      if (this.#left <= 0) break;
      node.children.push(this.#node(key, () => value[key], depth + 1, nodeOf(value)));
    }
    const more = keys.length - node.children.length;
    if (more > 0) node.more = more;
  }

  /** @param owner the state, or the entry, that it is a property of; undefined for a part of a value */
  #node(name: string, read: () => unknown, depth: number, owner: StateNode | undefined): TreeNode {
    this.#left--;
    const key = cut(hide(name, this.#isPrivate), LONGEST_KEY);
    try {
      const value = read();
      const tags = tagsOf(value, owner);
      const marked = tags.length > 0 ? { key, tags } : { key };
      const referred = owner && isObject(value) && !owner.holds(name, value) ? nodeOf(value) : undefined;
      if (referred) return { ...marked, kind: "other", text: cut(hide(whereIs(referred), this.#isPrivate)) };
      const { target } = fieldOf(value) ?? {};
      const inside = target ? target.key() : isSignal(value) ? (value as () => unknown)() : value;
      return typeof inside !== "object" || inside === null || "toJSON" in inside
        ? { ...marked, ...this.#leaf(inside) }
        : this.#parent(marked, inside, depth);
    } catch {
      return { key, ...UNREADABLE };
    }
  }

  #parent(marked: Pick<TreeNode, "key" | "tags">, value: object, depth: number): TreeNode {
    const node: OpenNode = { ...marked, kind: Array.isArray(value) ? "list" : "object", children: [] };
    this.#pending.push({ node, value: value as Record<string, unknown>, depth });
    return node;
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
