import { make } from "./dom.ts";
import { NOTHING, ProblemLine } from "./field.ts";
import type { Field } from "./field.ts";
import { hintOf } from "./schema.ts";
import type { Schema } from "./schema.ts";

type Input = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** One value that is typed or chosen. Values without a field of their own are typed as JSON. */
export class InputField implements Field {
  readonly element: HTMLElement;
  readonly #input: Input;
  readonly #schema: Schema;
  readonly #isNeeded: boolean;
  readonly #problem = new ProblemLine();

  constructor(name: string, schema: Schema, isNeeded: boolean) {
    this.#schema = schema;
    this.#isNeeded = isNeeded;
    this.#input = createInput(schema, isNeeded);
    const kind = schema.const === undefined && schema.enum === undefined ? (schema.type ?? "JSON") : "";
    const hint = [kind, hintOf(schema), isNeeded ? "" : "optional"].filter((part) => part !== "").join(" · ");
    const label = make("span", { class: "name" }, name, " ", make("small", {}, hint));
    this.element = make("label", { class: "field" }, label, this.#input, this.#problem.element);
  }

  read(): unknown {
    const { value: text } = this.#input;
    const { type, enum: choices } = this.#schema;
    if (this.#schema.const !== undefined) return this.#schema.const;
    if (type === "null") return null;
    if (text === "") return type === "string" && this.#isNeeded && !choices ? "" : NOTHING;
    if (choices) return choices[Number(text)];
    if (type === "string") return text;
    // Text that is not a number is sent unchanged, so that the room reports the problem.
    if (type === "number" || type === "integer") return Number.isFinite(Number(text)) ? Number(text) : text;
    return this.#parse(text);
  }

  find(): Field {
    return this;
  }

  show(problem: string): void {
    this.#problem.show(problem);
    this.#input.toggleAttribute("aria-invalid", problem !== "");
  }

  #parse(text: string): unknown {
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      this.show("That is no JSON");
      throw error;
    }
  }
}

function createInput({ type, enum: choices, const: only, default: usual }: Schema, isNeeded: boolean): Input {
  if (only !== undefined || type === "null")
    return make("input", { value: JSON.stringify(only ?? null), readonly: "" });
  const empty = isNeeded ? [] : [["", "—"] as const];
  if (choices) return select([...empty, ...choices.map((choice, index) => [String(index), String(choice)] as const)]);
  if (type === "boolean") return select([...empty, ["true", "true"], ["false", "false"]]);
  const placeholder = usual === undefined ? undefined : JSON.stringify(usual);
  if (type === "number" || type === "integer") return make("input", { inputmode: "decimal", placeholder });
  if (type === "string") return make("input", { placeholder });
  return make("textarea", { rows: "3", spellcheck: "false", placeholder: placeholder ?? "JSON, or nothing" });
}

/** A list to choose from. */
export function select(options: readonly (readonly [value: string, text: string])[]): HTMLSelectElement {
  return make("select", {}, ...options.map(([value, text]) => make("option", { value }, text)));
}
