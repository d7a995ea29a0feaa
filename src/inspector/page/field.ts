import { make } from "./dom.ts";

/** A value that a form left out. */
export const NOTHING = Symbol("nothing");

/** A part of a form. */
export interface Field {
  readonly element: HTMLElement;
  /** @throws SyntaxError if what was typed is no JSON: the field says so */
  read(): unknown;
  /** Where issues of this value, or of one in it, are shown. */
  find(path: readonly PropertyKey[]): Field;
  /** Says what is wrong; with an empty text, that nothing is, here and inside. */
  show(problem: string): void;
}

/** A line below a field that says what is wrong with it. */
export class ProblemLine {
  readonly element = make("span", { class: "problem", role: "alert", hidden: "" });

  show(problem: string): void {
    this.element.textContent = problem;
    this.element.hidden = problem === "";
  }
}
