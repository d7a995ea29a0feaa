import type { Signal } from "@signe/reactive";
import { isHostileKey } from "../protocol/values.ts";
import { checkField, checkIndex, checkKey, checkValue } from "./value-checks.ts";
import type { Place, Shape } from "./value-checks.ts";

/** Where a tracked signal finds its field. */
interface Gated {
  [DOOR]: FieldGate;
}
const DOOR = Symbol("door");

/** The inside of a writable signal: one subject, whose `next` all changes go through. */
interface Subject {
  next(change: unknown): void;
  items?: unknown[];
  obj?: Record<string, unknown>;
  [DOOR]?: FieldGate;
}
type Tracked = Subject & Gated;

/** A writable signal as `@signe/reactive` 3 makes it. */
interface Writable {
  (): unknown;
  set(value: unknown): void;
  mutate(change: (value: unknown) => void): void;
  _subject: Subject;
}

/** What a tracked signal asks and tells its field. */
export interface FieldGate extends Place {
  /** Something was, or may have been, changed. */
  changed(): void;
  /** A property of the value itself is about to be set, or removed (undefined). A collection checks its entries here. */
  entry?(key: string, value: unknown): void;
  /** All properties are about to be replaced: throws if that cannot be, before anything has changed. */
  replacing?(next: Readonly<Record<string, unknown>>): void;
  /** A property is about to be looked for. A collection makes the entry, if it is only stored so far. */
  wake?(key: string): void;
  /** All properties are about to be listed. */
  list?(): void;
}

/** Methods that change an array in place, and from which argument on their arguments are new items. */
const MUTATORS: ReadonlyMap<string, number> = new Map([
  ["push", 0],
  ["unshift", 0],
  ["splice", 2],
  ["fill", 0],
  ["pop", Infinity],
  ["shift", Infinity],
  ["sort", Infinity],
  ["reverse", Infinity],
  ["copyWithin", Infinity],
]);

/**
 * Makes every change of a writable signal pass one door, where it is checked before it is made.
 *
 * `@signe/reactive` itself reports most changes but not all: sorting and deleting in arrays and whatever
 * `mutate` does below the first level go unseen. So arrays and objects are read through a proxy of ours.
 */
export function track(signal: Signal, door: FieldGate): void {
  const writable = signal as unknown as Writable;
  const subject = writable._subject;
  const isTracked = subject[DOOR] !== undefined;
  // A tracked one is of an entry that was removed and comes back, perhaps elsewhere: the field behind it is another.
  subject[DOOR] = door;
  if (isTracked) return;
  const slot = slotOf(subject);
  // Rooms have very many signals: these functions are the same for all of them.
  subject.next = slot === undefined ? nextValue : nextContents;
  if (slot !== undefined) replaceValue(subject as Tracked, slot, writable());
  writable.mutate = (change) => mutate(writable, change);
}

/** What a writable signal was made as, whatever it holds by now: one that began as null may become anything. */
export function madeAs(signal: Signal): Shape {
  const slot = slotOf((signal as unknown as Writable)._subject);
  return slot === "items" ? "array" : slot === "obj" ? "object" : "any";
}

function slotOf(subject: Subject): "items" | "obj" | undefined {
  return "items" in subject ? "items" : "obj" in subject ? "obj" : undefined;
}

/** The whole value changes. */
function nextValue(this: Subject, value: unknown): void {
  checkField((this as Tracked)[DOOR], value);
  nextContents.call(this, value);
}

/** Something in an array or object changed, and was checked before. */
function nextContents(this: Subject, change: unknown): void {
  (Object.getPrototypeOf(this) as Subject).next.call(this, change);
  (this as Tracked)[DOOR].changed();
}

function announce(subject: Subject, value: unknown): void {
  const slot = slotOf(subject);
  subject.next(
    slot === "items" ? { type: "update", items: value } : slot === "obj" ? { type: "update", value } : value,
  );
}

/** Keeps the value of an array or object signal here, and hands out a proxy of it. */
function replaceValue(subject: Tracked, slot: "items" | "obj", initial: unknown): void {
  // A copy, since what the signal holds is behind a proxy of its own already.
  let raw: unknown[] | Record<string, unknown> = Array.isArray(initial)
    ? [...initial]
    : ownOf(initial as object, subject);
  const report = () => announce(subject, raw);
  let proxy = shallowProxy(raw, subject, report);
  Object.defineProperty(subject, slot, {
    configurable: true,
    get: () => proxy,
    set: (value: object) => {
      if (value === proxy) return;
      const next = unwrap(value) as object;
      const door = subject[DOOR];
      if (!door.entry) checkField(door, next);
      else replaceEntries(door, raw as Record<string, unknown>, next as Record<string, unknown>);
      raw = Array.isArray(next) ? next : ownOf(next, subject);
      proxy = shallowProxy(raw, subject, report);
      subject.next(slot === "items" ? { type: "reset", items: raw } : { type: "reset", value: raw });
    },
  });
}

/** Entries are looked up by keys that clients choose: a collection inherits nothing that such a key could find. */
function ownOf(value: object, gate: Gated): Record<string, unknown> {
  return Object.assign((gate[DOOR].entry ? Object.create(null) : {}) as Record<string, unknown>, value);
}

function replaceEntries(door: FieldGate, previous: Record<string, unknown>, next: Record<string, unknown>): void {
  for (const key of Object.keys(next)) checkKey(door, [], key);
  door.replacing?.(next);
  try {
    swapEntries(door, previous, next);
  } catch (error) {
    // One that cannot be made: the value stays as it was, and so do all of them.
    swapEntries(door, next, previous);
    throw error;
  }
}

function swapEntries(door: FieldGate, from: Record<string, unknown>, to: Record<string, unknown>): void {
  for (const key of Object.keys(from)) if (to[key] !== from[key]) door.entry?.(key, undefined);
  for (const key of Object.keys(to)) if (to[key] !== from[key]) door.entry?.(key, to[key]);
}

const RAW = Symbol("raw");

/** The object behind one of our proxies, or the value itself. */
export function unwrap(value: unknown): unknown {
  return typeof value === "object" && value !== null ? ((value as { [RAW]?: object })[RAW] ?? value) : value;
}

/** Reads a property, but never what leads to a prototype: who assigns something there changes all rooms. */
function read(target: object, key: PropertyKey): unknown {
  if (typeof key === "string" && isHostileKey(key) && !Object.hasOwn(target, key)) return undefined;
  return Reflect.get(target, key);
}

/** A view of an array or object that reports changes of its own properties, and leaves what is deeper alone. */
function shallowProxy<T extends object>(raw: T, gate: Gated, notify: () => void): T {
  return new Proxy(raw, {
    get(target, key, receiver) {
      if (key === RAW) return target;
      lookUp(target, key, gate);
      const value = read(target, key);
      if (typeof value !== "function" || !Array.isArray(target)) return value;
      const method = arrayMethod(target, String(key), value as Method, gate, notify);
      return (...args: unknown[]) => {
        const result = method(...args);
        return result === target ? receiver : result;
      };
    },
    has(target, key) {
      lookUp(target, key, gate);
      return Reflect.has(target, key);
    },
    getOwnPropertyDescriptor(target, key) {
      lookUp(target, key, gate);
      return Reflect.getOwnPropertyDescriptor(target, key);
    },
    ownKeys(target) {
      gate[DOOR].list?.();
      return Reflect.ownKeys(target);
    },
    ...writeTraps<T>([], gate, notify),
  });
}

/** Finds what may be there without being in the object yet. */
function lookUp(target: object, key: PropertyKey, { [DOOR]: door }: Gated): void {
  if (door.wake && typeof key === "string" && !Object.hasOwn(target, key)) door.wake(key);
}

type Method = (...args: unknown[]) => unknown;

/** Runs an array's method on the array itself: one check and one report, however many items move. */
function arrayMethod(array: unknown[], name: string, method: Method, gate: Gated, notify: () => void): Method {
  const firstItem = MUTATORS.get(name);
  return (...args) => {
    if (firstItem === undefined) return method.apply(array, args);
    for (const item of args.slice(firstItem)) checkValue(gate[DOOR], [name], item);
    const result = method.apply(array, args.map(unwrap));
    notify();
    return result;
  };
}

/** A view that reports changes at any depth, for the time of a `mutate`. */
function deepProxy<T extends object>(
  raw: T,
  trail: readonly string[],
  gate: Gated,
  notify: () => void,
  known: WeakMap<object, object>,
): T {
  const existing = known.get(raw);
  if (existing) return existing as T;
  const proxy = new Proxy(raw, {
    get(target, key) {
      if (key === RAW) return target;
      const value = read(target, key);
      if (!isContainer(value)) return value;
      return deepProxy(value, [...trail, String(key)], gate, notify, known);
    },
    ...writeTraps<T>(trail, gate, notify),
  });
  known.set(raw, proxy);
  return proxy;
}

function isContainer(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}

function writeTraps<T extends object>(
  trail: readonly string[],
  gate: Gated,
  notify: () => void,
): Pick<ProxyHandler<T>, "set" | "deleteProperty" | "defineProperty"> {
  return {
    set(target, key, given) {
      const value = unwrap(given);
      if (typeof key === "string") {
        checkKey(gate[DOOR], trail, key);
        if (Array.isArray(target)) checkIndex(gate[DOOR], trail, target, key, value);
        if (!gate[DOOR].entry) checkValue(gate[DOOR], [...trail, key], value);
        else if (Reflect.get(target, key) !== value) gate[DOOR].entry(key, value);
      }
      const done = Reflect.set(target, key, value);
      notify();
      return done;
    },
    deleteProperty(target, key) {
      lookUp(target, key, gate);
      if (!Object.hasOwn(target, key)) return true;
      if (typeof key === "string") gate[DOOR].entry?.(key, undefined);
      const done = Reflect.deleteProperty(target, key);
      notify();
      return done;
    },
    defineProperty: () => false,
  };
}

function mutate(writable: Writable, change: (value: unknown) => void): void {
  const subject = writable._subject as Tracked;
  const value = writable();
  const raw = unwrap(value);
  // A collection's entries are made of signals, which report their own changes.
  if (!isContainer(raw) || subject[DOOR].entry) {
    change(value);
    return;
  }
  let changed = false;
  const report = () => {
    changed = true;
  };
  try {
    change(deepProxy(raw, [], subject, report, new WeakMap()));
  } finally {
    if (changed) announce(subject, raw);
  }
}
