import type { TreeNode } from "../types.ts";
import { createList, make, write } from "./dom.ts";

/** A value with more parts than this is closed at first, and all are in a value with more of them. */
const MOST_OPEN = 20;

/** Shows a value as a tree. Open nodes stay open when it is drawn again; closed ones are not drawn. */
export class Tree {
  readonly element: HTMLElement;
  #draw: ((nodes: readonly (readonly [string, TreeNode])[]) => void) | undefined;
  #search = "";

  constructor(name: string) {
    this.element = make("div", { class: "tree", role: "group", "aria-label": name });
  }

  /** @param search what the parts were searched for: what was found is open, down to the entries */
  draw(root: TreeNode, search = ""): void {
    if (!this.#draw || search !== this.#search) {
      this.#search = search;
      this.element.replaceChildren();
      const levels = search === "" ? 1 : 2;
      this.#draw = listOf(this.element, sizeOf(root) <= MOST_OPEN ? levels : 0);
    }
    this.#draw(childrenOf(root));
  }
}

/** A value with children and one without, of the same name, are two elements. A note says how many are left out. */
function childrenOf({ children = [], more = 0 }: TreeNode): [string, TreeNode][] {
  const shown = children.map((node): [string, TreeNode] => [`${node.children ? "+" : "-"}${node.key}`, node]);
  return more > 0 ? [...shown, ["…", { key: "…", kind: "note", text: `${more} more are not shown` }]] : shown;
}

/** @param levels of values that are open at first */
function listOf(parent: HTMLElement, levels: number) {
  return createList<TreeNode>(parent, {
    create: (node) => (node.children ? new Folder(node, levels).element : createLeaf(node)),
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

  constructor(node: TreeNode, levels: number) {
    this.#node = node;
    const children = make("div", { class: "children" });
    this.#draw = listOf(children, levels - 1);
    this.element = make("details", {}, make("summary", {}, ...headOf(node), this.#size), children);
    this.element.open = levels > 0 && sizeOf(node) <= MOST_OPEN;
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

const MOST_CHILDREN = 100;
const LONGEST_TEXT = 1000;

/** Plain data, as a tree. What is in a value is made when it is drawn. */
export function treeOf(key: string, value: unknown): TreeNode {
  if (typeof value !== "object" || value === null) {
    return {
      key,
      kind: value === null ? "null" : typeof value === "string" ? "text" : typeof value,
      text: JSON.stringify(value).slice(0, LONGEST_TEXT),
    };
  }
  const names = Object.keys(value);
  let children: TreeNode[] | undefined;
  return {
    key,
    kind: Array.isArray(value) ? "list" : "object",
    more: Math.max(names.length - MOST_CHILDREN, 0),
    get children() {
      const inside = value as Readonly<Record<string, unknown>>;
      return (children ??= names.slice(0, MOST_CHILDREN).map((name) => treeOf(name, inside[name])));
    },
  };
}
