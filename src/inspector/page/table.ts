import { createList, make, write } from "./dom.ts";
import type { Drawing } from "./dom.ts";

/** What a cell shows: text, or a link. */
export type Cell = string | { readonly text: string; readonly href: string };

export interface Row {
  readonly key: string;
  readonly cells: readonly Cell[];
}

/** A table that is drawn again and again, and keeps its rows. `more` draws what stands last in each. */
export class Table {
  readonly element: HTMLElement;
  readonly #empty: HTMLElement;
  readonly #scroller: HTMLElement;
  readonly #note = make("p", { class: "note" });
  readonly #draw: (rows: readonly (readonly [string, Row])[]) => void;

  constructor(name: string, columns: readonly string[], empty: string, more?: Drawing<Row>) {
    const heads = [...columns, ...(more ? [""] : [])].map((column) => make("th", { scope: "col" }, column));
    const body = make("tbody");
    const table = make("table", { "aria-label": name }, make("thead", {}, make("tr", {}, ...heads)), body);
    this.#scroller = make("div", { class: "scroller" }, table);
    this.#empty = make("p", { class: "note" }, empty);
    this.element = make("div", {}, this.#scroller, this.#empty, this.#note);
    this.#draw = createList<Row>(body, {
      create: (row, key) =>
        make("tr", {}, ...row.cells.map(createCell), ...(more ? [make("td", {}, more.create(row, key))] : [])),
      update: (element, row, key) => {
        for (const [index, cell] of row.cells.entries()) updateCell(element.children[index] as HTMLElement, cell);
        more?.update(element.lastElementChild?.firstElementChild as HTMLElement, row, key);
      },
    });
  }

  /** @param total how many there are, where these are only the first */
  draw(rows: readonly Row[], total = rows.length): void {
    this.#scroller.hidden = rows.length === 0;
    this.#empty.hidden = rows.length > 0;
    this.#note.hidden = total <= rows.length;
    write(this.#note, `… and ${total - rows.length} more`);
    this.#draw(rows.map((row) => [row.key, row]));
  }
}

function createCell(cell: Cell): HTMLElement {
  return typeof cell === "string" ? make("td") : make("td", {}, make("a"));
}

function updateCell(element: HTMLElement, cell: Cell): void {
  if (typeof cell === "string") {
    write(element, cell);
    return;
  }
  const link = element.firstElementChild as HTMLAnchorElement;
  write(link, cell.text);
  if (link.getAttribute("href") !== cell.href) link.setAttribute("href", cell.href);
}
