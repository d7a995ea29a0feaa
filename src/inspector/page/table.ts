import { button, createList, make, write } from "./dom.ts";
import type { Drawing } from "./dom.ts";
import { count } from "./format.ts";

/** What a cell shows: text, or a link. */
export type Cell = string | { readonly text: string; readonly href: string };

export interface Row {
  readonly key: string;
  readonly cells: readonly Cell[];
}

/** Rows that a table has at first, and gets more of with each click. */
const PAGE = 50;

/** A table that is drawn again and again, and keeps its rows. `more` draws what stands last in each. */
export class Table {
  readonly element: HTMLElement;
  readonly #empty: HTMLElement;
  readonly #scroller: HTMLElement;
  readonly #foot = make("div", { class: "buttons foot" });
  readonly #note = make("span", { class: "note" });
  readonly #button = button("Show more", () => this.#showMore());
  readonly #draw: (rows: readonly (readonly [string, Row])[]) => void;
  #limit = PAGE;
  #rows: readonly Row[] = [];
  #total = 0;

  constructor(name: string, columns: readonly string[], empty: string, more?: Drawing<Row>) {
    const heads = [...columns, ...(more ? [""] : [])].map((column) => make("th", { scope: "col" }, column));
    const body = make("tbody");
    const table = make("table", { "aria-label": name }, make("thead", {}, make("tr", {}, ...heads)), body);
    this.#scroller = make("div", { class: "scroller" }, table);
    this.#empty = make("p", { class: "note" }, empty);
    this.#foot.append(this.#note, this.#button);
    this.element = make("div", {}, this.#scroller, this.#empty, this.#foot);
    this.#draw = createList<Row>(body, {
      create: (row, key) =>
        make(
          "tr",
          {},
          ...row.cells.map((cell, index) => createCell(cell, columns[index])),
          ...(more ? [make("td", {}, more.create(row, key))] : []),
        ),
      update: (element, row, key) => {
        for (const [index, cell] of row.cells.entries()) updateCell(element.children[index] as HTMLElement, cell);
        more?.update(element.lastElementChild?.firstElementChild as HTMLElement, row, key);
      },
    });
  }

  /** @param total how many there are, where these are only the first */
  draw(rows: readonly Row[], total = rows.length): void {
    [this.#rows, this.#total] = [rows, total];
    const shown = rows.slice(0, this.#limit);
    this.#scroller.hidden = rows.length === 0;
    this.#empty.hidden = rows.length > 0;
    this.#foot.hidden = total <= shown.length;
    write(this.#note, `${count(shown.length)} of ${count(total)}`);
    this.#button.hidden = rows.length <= shown.length;
    this.#draw(shown.map((row) => [row.key, row]));
  }

  #showMore(): void {
    this.#limit += PAGE;
    this.draw(this.#rows, this.#total);
  }
}

/** @param column its name, which a phone shows beside it */
function createCell(cell: Cell, column: string | undefined): HTMLElement {
  return make("td", { "data-column": column }, ...(typeof cell === "string" ? [] : [make("a")]));
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
