import type { TreeNode } from "../types.ts";
import { createList, make, write } from "./dom.ts";

/** Shows a value as a tree. Open nodes stay open when it is drawn again; closed ones are not drawn. */
export class Tree {
  readonly element: HTMLElement;
  readonly #draw: (nodes: readonly (readonly [string, TreeNode])[]) => void;

  constructor(name: string) {
    this.element = make("div", { class: "tree", role: "group", "aria-label": name });
    this.#draw = listOf(this.element, 0);
  }

  draw(root: TreeNode): void {
    this.#draw(childrenOf(root));
  }
}

/** A value with children and one without, of the same name, are two elements. A note says how many are left out. */
function childrenOf({ children = [], more = 0 }: TreeNode): [string, TreeNode][] {
  const shown = children.map((node): [string, TreeNode] => [`${node.children ? "+" : "-"}${node.key}`, node]);
  return more > 0 ? [...shown, ["…", { key: "…", kind: "note", text: `${more} more are not shown` }]] : shown;
}

function listOf(parent: HTMLElement, depth: number) {
  return createList<TreeNode>(parent, {
    create: (node) => (node.children ? new Folder(node, depth).element : createLeaf(node)),
    update: (element, node) => {
      if (node.children) folders.get(element)?.update(node);
      else updateLeaf(element, node);
    },
  });
}

const folders = new WeakMap<HTMLElement, Folder>();

class Folder {
  readonly element: HTMLDetailsElement;
  readonly #size = make("span", { class: "size" });
  readonly #draw: (nodes: readonly (readonly [string, TreeNode])[]) => void;
  #node: TreeNode;

  constructor(node: TreeNode, depth: number) {
    this.#node = node;
    const children = make("div", { class: "children" });
    this.#draw = listOf(children, depth + 1);
    this.element = make("details", {}, make("summary", {}, ...headOf(node), this.#size), children);
    this.element.open = depth === 0 && sizeOf(node) <= 20;
    this.element.addEventListener("toggle", () => this.update(this.#node));
    folders.set(this.element, this);
  }

  update(node: TreeNode): void {
    this.#node = node;
    const size = sizeOf(node);
    write(this.#size, node.kind === "list" ? `[${size}]` : `{${size}}`);
    if (this.element.open) this.#draw(childrenOf(node));
  }
}

function sizeOf({ children = [], more = 0 }: TreeNode): number {
  return children.length + more;
}

function headOf({ key, tags = [] }: TreeNode): HTMLElement[] {
  return [make("span", { class: "key" }, key), ...tags.map((tag) => make("span", { class: "tag" }, tag))];
}

function createLeaf(node: TreeNode): HTMLElement {
  return make(
    "div",
    { class: "leaf" },
    ...headOf(node),
    make("span", { class: "value", "data-kind": node.kind }, node.text ?? ""),
  );
}

/** A value that changed lights up for a moment. */
function updateLeaf(element: HTMLElement, { kind, text = "" }: TreeNode): void {
  const value = element.lastElementChild as HTMLElement;
  if (value.textContent === text) return;
  value.textContent = text;
  value.dataset["kind"] = kind;
  value.classList.remove("changed");
  // Reading the layout starts the animation anew.
  void value.offsetWidth;
  value.classList.add("changed");
}

const MOST_CHILDREN = 200;
const MOST_DEPTH = 16;

/** Plain data, as a tree. */
export function treeOf(key: string, value: unknown, depth = 0): TreeNode {
  if (typeof value !== "object" || value === null) {
    return {
      key,
      kind: value === null ? "null" : typeof value === "string" ? "text" : typeof value,
      text: JSON.stringify(value),
    };
  }
  const entries = Object.entries(value);
  const shown = depth < MOST_DEPTH ? entries.slice(0, MOST_CHILDREN) : [];
  const children = shown.map(([name, inner]) => treeOf(name, inner, depth + 1));
  return { key, kind: Array.isArray(value) ? "list" : "object", children, more: entries.length - children.length };
}
