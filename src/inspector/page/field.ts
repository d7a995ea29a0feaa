import { make } from "./dom.ts";

/** The value of a field that was left out. */
export const NOTHING = Symbol("nothing");

/** A part of a form. */
export interface Field {
  readonly element: HTMLElement;
  /** @throws SyntaxError if the text is not JSON. The field shows that */
  read(): unknown;
  /** The field that shows issues of the value at a path. */
  find(path: readonly PropertyKey[]): Field;
  /** Shows a problem. An empty text removes all problems, also inside of it. */
  show(problem: string): void;
}

/** A line below a field that shows its problem. */
export class ProblemLine {
  readonly element = make("span", { class: "problem", role: "alert", hidden: "" });

  show(problem: string): void {
    this.element.textContent = problem;
    this.element.hidden = problem === "";
  }
}
