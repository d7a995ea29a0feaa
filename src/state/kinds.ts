import { isLiteral } from "../protocol/values.ts";
import type { Plain } from "../protocol/values.ts";
import { differenceOf, shapeOfEntry } from "./entry-shape.ts";
import type { EntryShape, IsReference } from "./entry-shape.ts";
import { nodeOf } from "./members.ts";
import { isClass, makeBy } from "./marks.ts";
import type { Factories, Factory } from "./field.ts";

/** The kind of an entry in its collection. */
export interface EntryKind {
  /** Stored with the entry. Undefined if the collection has only one kind. */
  readonly name: string | undefined;
  /**
   * The parts of the entry that belong to the state. Undefined for all objects of fields, since the collection itself
   * made the entry.
   */
  readonly shape: EntryShape | undefined;
}

/** What a state knows about the entries that its collections make. */
export interface KnownKinds {
  readonly factories: WeakSet<object>;
  readonly kinds: WeakMap<object, EntryKinds>;
}

/**
 * Finds the kind of an entry that the developer made.
 * @returns the kind, or why it is not an entry of these factories
 */
export function kindOf(known: KnownKinds, factories: Factories, key: string, target: object): EntryKind | string {
  // An object that is part of the state already is a reference here.
  const isReference: IsReference = (value) => nodeOf(value) !== undefined || known.factories.has(value.constructor);
  return kindsOf(known, factories).of(key, target, isReference);
}

/**
 * An example of an entry that is not part of the state. Do not change it.
 * @returns undefined if the factory may make different entries
 */
export function exampleOf(known: KnownKinds, factories: Factories, kind: string | undefined): Plain | undefined {
  return kindsOf(known, factories).example(kind);
}

function kindsOf(known: KnownKinds, factories: Factories): EntryKinds {
  const kinds = known.kinds.get(factories) ?? new EntryKinds(factories);
  known.kinds.set(factories, kinds);
  return kinds;
}

/** The kinds of entries that a collection makes. */
export class EntryKinds {
  readonly #kinds: readonly MadeKind[];

  constructor(factory: Factories) {
    const named = typeof factory === "function" ? [[undefined, factory] as const] : [...factory];
    this.#kinds = named.map(([name, make]) => new MadeKind(name, make));
  }

  /** @returns the kind of an entry, or why it has none */
  of(key: string, target: object, isKnown: IsReference): EntryKind | string {
    const isReference: IsReference = (value) => isKnown(value) || this.#looksLikeOne(key, value);
    const problems: string[] = [];
    for (const kind of this.#kinds) {
      const example = kind.example(key);
      if (!example.isLike(target)) continue;
      const problem = differenceOf(example.shape, target, isReference);
      if (problem === undefined) return { name: kind.name, shape: example.shape };
      problems.push(problem);
    }
    const made = this.#kinds.map((kind) => kind.label).join(" or ");
    return problems[0] ?? `its class is ${nameOfClass(target)}, but the entries here are made by ${made}`;
  }

  /** An example of a kind, if all entries of it are alike. */
  example(name: string | undefined): Plain | undefined {
    const kind = this.#kinds.find((found) => found.name === name);
    return kind?.isUniform ? kind.example("").entry : undefined;
  }

  /** Two entries that refer to each other cannot be added at the same time. */
  #looksLikeOne(key: string, value: object): boolean {
    return this.#kinds.some((kind) => {
      const example = kind.example(key);
      return example.isLike(value) && differenceOf(example.shape, value, () => true) === undefined;
    });
  }
}

/** One kind of entry, with its factory. */
class MadeKind {
  readonly name: string | undefined;
  readonly #factory: Factory<object>;
  #example: Example | undefined;

  constructor(name: string | undefined, factory: Factory<object>) {
    this.name = name;
    this.#factory = factory;
  }

  get isUniform(): boolean {
    return isClass(this.#factory) || this.#factory.length === 0;
  }

  get label(): string {
    return this.#factory.name || "a function";
  }

  /** An example from the factory. It is always the same, unless the factory is a function of the key. */
  example(key: string): Example {
    if (this.#example) return this.#example;
    const example = new Example(makeBy(this.#factory, key));
    if (this.isUniform) this.#example = example;
    return example;
  }
}

/** What is known about all entries of a kind, from one example. */
class Example {
  readonly entry: Plain;
  readonly shape: EntryShape;
  readonly #prototype: unknown;

  constructor(entry: object) {
    this.entry = entry as Plain;
    this.shape = shapeOfEntry(entry);
    this.#prototype = Object.getPrototypeOf(entry);
  }

  /** Whether an entry has the same class, or none. */
  isLike(entry: object): boolean {
    return isLiteral(entry) || Object.getPrototypeOf(entry) === this.#prototype;
  }
}

function nameOfClass(target: object): string {
  return (target.constructor as { name?: string } | undefined)?.name || "class without a name";
}
