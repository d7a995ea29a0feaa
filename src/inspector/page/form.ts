import { make } from "./dom.ts";
import { hintOf } from "./schema.ts";
import type { Schema } from "./schema.ts";

/** A value that a form left out. */
const NOTHING = Symbol("nothing");

/** A part of a form. */
interface Field {
  readonly element: HTMLElement;
  /** @throws SyntaxError if what was typed is no JSON */
  read(): unknown;
  /** Where issues of this value, or of one in it, are shown. */
  find(path: readonly PropertyKey[]): Field;
  show(problem: string): void;
}

/** A form for a schema. What it has no field for is typed as JSON. The room judges the value, not the form. */
export class ValueForm {
  readonly element: HTMLElement;
  readonly #field: Field;

  constructor(schema: Schema = {}) {
    this.#field = createField("value", schema, true);
    this.element = this.#field.element;
  }

  /** @throws SyntaxError if what was typed as JSON is none */
  read(): unknown {
    this.#field.show("");
    const value = this.#field.read();
    return value === NOTHING ? undefined : value;
  }

  /** Says at the field what is wrong with a value. */
  show(path: readonly PropertyKey[], problem: string): void {
    this.#field.find(path).show(problem);
  }
}

function createField(name: string, schema: Schema, isNeeded: boolean): Field {
  if (schema.type === "object" && schema.properties) return new ObjectField(name, schema, isNeeded);
  return new InputField(name, schema, isNeeded);
}

class ObjectField implements Field {
  readonly element: HTMLElement;
  readonly #fields: ReadonlyMap<string, Field>;
  readonly #isNeeded: boolean;
  readonly #problem = problemLine();

  constructor(name: string, { properties = {}, required = [], description }: Schema, isNeeded: boolean) {
    this.#isNeeded = isNeeded;
    this.#fields = new Map(
      Object.entries(properties).map(([key, inner]) => [key, createField(key, inner, required.includes(key))]),
    );
    const legend = make("legend", {}, name, ...(description ? [" ", make("small", {}, description)] : []));
    const inside = Array.from(this.#fields.values(), ({ element }) => element);
    this.element = make("fieldset", {}, legend, ...inside, this.#problem);
  }

  read(): unknown {
    const values: Record<string, unknown> = {};
    for (const [name, field] of this.#fields) {
      const value = field.read();
      if (value !== NOTHING) values[name] = value;
    }
    return Object.keys(values).length === 0 && !this.#isNeeded ? NOTHING : values;
  }

  find([first, ...rest]: readonly PropertyKey[]): Field {
    return this.#fields.get(String(first ?? ""))?.find(rest) ?? this;
  }

  show(problem: string): void {
    showAt(this.#problem, problem);
    if (problem === "") for (const field of this.#fields.values()) field.show("");
  }
}

type Input = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

class InputField implements Field {
  readonly element: HTMLElement;
  readonly #input: Input;
  readonly #schema: Schema;
  readonly #problem = problemLine();

  constructor(name: string, schema: Schema, isNeeded: boolean) {
    this.#schema = schema;
    this.#input = createInput(schema, isNeeded);
    const kind = schema.const === undefined && schema.enum === undefined ? (schema.type ?? "JSON") : "";
    const hint = [kind, hintOf(schema), isNeeded ? "" : "optional"].filter((part) => part !== "").join(" · ");
    const label = make("span", { class: "name" }, name, " ", make("small", {}, hint));
    this.element = make("label", { class: "field" }, label, this.#input, this.#problem);
  }

  read(): unknown {
    const { value: text } = this.#input;
    const { type, enum: choices } = this.#schema;
    if (this.#schema.const !== undefined) return this.#schema.const;
    if (text === "") return NOTHING;
    if (choices) return choices[Number(text)];
    if (type === "string") return text;
    // What is no number goes as it is: the room says what is wrong with it.
    if (type === "number" || type === "integer") return Number.isFinite(Number(text)) ? Number(text) : text;
    return JSON.parse(text) as unknown;
  }

  find(): Field {
    return this;
  }

  show(problem: string): void {
    showAt(this.#problem, problem);
    this.#input.toggleAttribute("aria-invalid", problem !== "");
  }
}

function createInput({ type, enum: choices, const: only, default: usual }: Schema, isNeeded: boolean): Input {
  if (only !== undefined) return make("input", { value: JSON.stringify(only), readonly: "" });
  const empty = isNeeded ? [] : [["", "—"] as const];
  if (choices) return select([...empty, ...choices.map((choice, index) => [String(index), String(choice)] as const)]);
  if (type === "boolean") return select([...empty, ["true", "true"], ["false", "false"]]);
  const placeholder = usual === undefined ? undefined : JSON.stringify(usual);
  if (type === "number" || type === "integer") return make("input", { inputmode: "decimal", placeholder });
  if (type === "string") return make("input", { placeholder });
  return make("textarea", { rows: "3", spellcheck: "false", placeholder: placeholder ?? "JSON, or nothing" });
}

function select(options: readonly (readonly [value: string, text: string])[]): HTMLSelectElement {
  return make("select", {}, ...options.map(([value, text]) => make("option", { value }, text)));
}

function problemLine(): HTMLElement {
  return make("span", { class: "problem", role: "alert", hidden: "" });
}

function showAt(line: HTMLElement, problem: string): void {
  line.textContent = problem;
  line.hidden = problem === "";
}
