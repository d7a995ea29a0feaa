import type { Plain } from "../protocol/values.ts";
import type { Factories, Factory } from "./field.ts";

/** An entry that a collection made, and the name of its kind. */
interface MadeEntry {
  readonly target: object;
  readonly kind: string | undefined;
}

/** Names the kind of an entry in its row, beside its fields: no field can have this name. */
export const KIND_KEY = "$kind";

/** Makes an entry of the kind of a stored one, or else of the first. @throws Error if there is no such kind */
export function makeEntry(factories: Factories, key: string, stored?: Plain): MadeEntry {
  const kind = kindOfStored(factories, stored);
  const factory = typeof factories === "function" ? factories : factories.get(kind as string);
  if (!factory) throw new Error(`There is no variant ${JSON.stringify(kind)} here`);
  return { target: makeBy(factory, key), kind };
}

/** The name of the kind of a stored entry; of the first, if none is stored. Without variants there are no names. */
export function kindOfStored(factories: Factories, stored: Plain | undefined): string | undefined {
  if (typeof factories === "function") return undefined;
  return (stored?.[KIND_KEY] ?? factories.keys().next().value) as string;
}

/** What is stored of an entry elsewhere; without its kind, if that is not known here. */
export function ofKnownKind(factories: Factories, stored: Plain): Plain {
  const isKnown = typeof factories !== "function" && factories.has(kindOfStored(factories, stored) as string);
  return isKnown ? stored : { ...stored, [KIND_KEY]: undefined };
}

/** How many fields were ever made in this isolate, but for those of entries. A room that sees it grow looks for assigned ones. */
export let fieldsMade = 0;

/** A field was made. */
export function fieldMade(): void {
  fieldsMade++;
}

/** Makes an entry, whether its factory is a class or a function. */
export function makeBy(factory: Factory<object>, key: string): object {
  const before = fieldsMade;
  try {
    return callFactory(factory, key);
  } finally {
    fieldsMade = before;
  }
}

function callFactory(factory: Factory<object>, key: string): object {
  if (isClass(factory)) return new (factory as new () => object)();
  // Arrow functions and methods have no prototype; `new` on a plain function that returns an object gives that object.
  return (factory as { prototype?: unknown }).prototype === undefined
    ? (factory as (key: string) => object)(key)
    : new (factory as unknown as new (key: string) => object)(key);
}

/** Whether a factory is a class. Only of a class the prototype cannot be replaced. */
export function isClass(factory: object): boolean {
  return Object.getOwnPropertyDescriptor(factory, "prototype")?.writable === false;
}
