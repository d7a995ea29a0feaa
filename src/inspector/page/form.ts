import { button, make } from "./dom.ts";
import { NOTHING, ProblemLine } from "./field.ts";
import type { Field } from "./field.ts";
import { InputField, select } from "./input-field.ts";
import { choicesOf, hintOf, nameOf } from "./schema.ts";
import type { Schema } from "./schema.ts";

/**
 * A form for a schema. Values without a field of their own are typed as JSON. The room validates the value, not the
 * form.
 */
export class ValueForm {
  readonly element: HTMLElement;
  readonly #field: Field;

  constructor(schema: Schema = {}) {
    this.#field = createField("value", schema, true);
    this.element = this.#field.element;
  }

  /** @throws SyntaxError if a text is not JSON */
  read(): unknown {
    this.#field.show("");
    const value = this.#field.read();
    return value === NOTHING ? undefined : value;
  }

  /** Shows the problem of a value at its field. */
  show(path: readonly PropertyKey[], problem: string): void {
    this.#field.find(path).show(problem);
  }
}

/** @param isNeeded whether the value is required */
function createField(name: string, schema: Schema, isNeeded: boolean): Field {
  const choices = choicesOf(schema);
  if (choices) return new ChoiceField(name, choices, isNeeded, schema);
  const isList = schema.type === "array" && schema.items !== undefined && schema.prefixItems === undefined;
  if (!isList && !(schema.type === "object" && schema.properties)) return new InputField(name, schema, isNeeded);
  // An optional object is either complete or missing.
  if (!isNeeded) return new ChoiceField(name, [schema], false, schema);
  return isList ? new ListField(name, schema) : new ObjectField(name, schema);
}

class ObjectField implements Field {
  readonly element: HTMLElement;
  readonly #fields: ReadonlyMap<string, Field>;
  readonly #problem = new ProblemLine();

  constructor(name: string, { properties = {}, required = [], description }: Schema) {
    this.#fields = new Map(
      Object.entries(properties).map(([key, inner]) => [key, createField(key, inner, required.includes(key))]),
    );
    const inside = Array.from(this.#fields.values(), ({ element }) => element);
    this.element = make("fieldset", {}, legend(name, description), ...inside, this.#problem.element);
  }

  read(): unknown {
    // All fields are read, so that each shows its problem.
    const values = Array.from(this.#fields, ([name, field]) => [name, field.read()] as const);
    return Object.fromEntries(values.filter(([, value]) => value !== NOTHING));
  }

  find([first, ...rest]: readonly PropertyKey[]): Field {
    return this.#fields.get(String(first ?? ""))?.find(rest) ?? this;
  }

  show(problem: string): void {
    this.#problem.show(problem);
    if (problem === "") for (const field of this.#fields.values()) field.show("");
  }
}

class ListField implements Field {
  readonly element: HTMLElement;
  readonly #schema: Schema;
  readonly #list = make("div", {});
  readonly #problem = new ProblemLine();
  #fields: Field[] = [];

  constructor(name: string, schema: Schema) {
    this.#schema = schema;
    const buttons = make(
      "div",
      { class: "buttons" },
      button(`Add to ${name}`, () => this.#add()),
      button("Remove the last", () => this.#fields.pop()?.element.remove()),
    );
    const hint = hintOf(schema);
    this.element = make("fieldset", {}, legend(name, hint), this.#list, buttons, this.#problem.element);
    for (let count = 0; count < Math.min(schema.minItems ?? 0, 10); count++) this.#add();
  }

  read(): unknown {
    return this.#fields.map((field) => field.read()).map((value) => (value === NOTHING ? null : value));
  }

  find([first, ...rest]: readonly PropertyKey[]): Field {
    return this.#fields[Number(first)]?.find(rest) ?? this;
  }

  show(problem: string): void {
    this.#problem.show(problem);
    if (problem === "") for (const field of this.#fields) field.show("");
  }

  #add(): void {
    const field = createField(String(this.#fields.length), this.#schema.items ?? {}, true);
    this.#fields = [...this.#fields, field];
    this.#list.append(field.element);
  }
}

/** One of several choices, or nothing if the value is optional: a list to choose from, and the field of the choice. */
class ChoiceField implements Field {
  readonly element: HTMLElement;
  readonly #name: string;
  readonly #choices: readonly Schema[];
  readonly #select: HTMLSelectElement;
  readonly #inside = make("div", {});
  readonly #problem = new ProblemLine();
  #field: Field | undefined;

  constructor(name: string, choices: readonly Schema[], isNeeded: boolean, { description, default: usual }: Schema) {
    this.#name = name;
    this.#choices = choices;
    const empty = isNeeded ? [] : [["", "—"] as const];
    this.#select = select([...empty, ...choices.map((choice, index) => [String(index), nameOf(choice)] as const)]);
    this.#select.addEventListener("change", () => this.#choose());
    const hint = [hintOf({ description, default: usual }), isNeeded ? "" : "optional"].filter(Boolean).join(" · ");
    const label = make("span", { class: "name" }, name, " ", make("small", {}, hint));
    this.element = make(
      "div",
      { class: "field choice" },
      make("label", {}, label, this.#select),
      this.#inside,
      this.#problem.element,
    );
    this.#choose();
  }

  read(): unknown {
    return this.#field ? this.#field.read() : NOTHING;
  }

  find(path: readonly PropertyKey[]): Field {
    return this.#field?.find(path) ?? this;
  }

  show(problem: string): void {
    this.#problem.show(problem);
    if (problem === "") this.#field?.show("");
  }

  #choose(): void {
    const choice = this.#select.value === "" ? undefined : this.#choices[Number(this.#select.value)];
    this.#field = choice && createField(this.#name, choice, true);
    this.#inside.replaceChildren(...(this.#field ? [this.#field.element] : []));
  }
}

function legend(name: string, hint?: string): HTMLElement {
  return make("legend", {}, name, ...(hint ? [" ", make("small", {}, hint)] : []));
}
