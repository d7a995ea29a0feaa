import type { Signal } from "@signe/reactive";
import { isContainer, isHostileKey, isLiteral } from "../../protocol/values.ts";
import type { Plain } from "../../protocol/values.ts";
import { checkField, checkIndex, checkKey, checkValue, refused, trailTo } from "../value-checks.ts";
import type { CheckedField, Shape } from "../value-checks.ts";

/** The key under which the subject of a tracked signal refers to its field. */
const GATE = Symbol("gate");

interface Gated {
  [GATE]: FieldGate;
}

/** An operator of RxJS, which subscribes a reader to a source. */
interface Operator {
  call(reader: Pick<Subject, "next">, source: Tracked): unknown;
}

/** The subject of a writable signal. All changes go through its `next`. */
interface Subject {
  next(change: unknown): void;
  subscribe(onChange: (change: unknown) => void): unknown;
  asObservable(): { operator?: Operator };
  items?: unknown[];
  obj?: Plain;
  /** Whether somebody is subscribed. */
  readonly observed: boolean;
  /** The value; of arrays and objects, the last change. */
  _value: unknown;
  [GATE]?: FieldGate;
}
type Tracked = Subject & Gated;

/** A writable signal as `@signe/reactive` 3 makes it. */
interface Writable {
  (): unknown;
  set(value: unknown): void;
  mutate(change: (value: unknown) => void): void;
  observable: { operator?: Operator };
  readonly _isFrozen: boolean;
  readonly _subject: Subject;
}

/** The field of a tracked signal. It checks each change before, and is notified after it. */
export interface FieldGate extends CheckedField {
  /** The tracked signal. */
  readonly signal: Signal;
  /** The shared data of the state that it is in. */
  readonly shared: object;
  /** Whether it is part of the state. Removed entries are not. */
  readonly isInState: boolean;
  /** The row around it, if it is a single field. */
  readonly place?: object;
  /** Returns the value to keep when a value is set. */
  rounded?(value: unknown): unknown;
  /** It was, or may have been, changed. A frozen signal announces the change only when it is unfrozen. */
  changed(isFrozen: boolean): void;
  /** Only for a collection. */
  readonly collection?: CollectionGate;
}

/** The signal of a collection also calls this, before entries are read or changed. */
export interface CollectionGate {
  /** The record of entries is replaced by this object. */
  setRecord(record: Plain): void;
  /** An entry is about to be set, or removed (undefined). */
  beforeSet(key: string, entry: unknown): void;
  /** All entries are about to be replaced. If it throws, nothing has changed. */
  replaceAll(previous: Readonly<Plain>, next: Readonly<Plain>): void;
  /** A property is about to be read. */
  beforeGet(key: string): void;
  /** A handler reads an entry, and may assign fields to it. */
  handOut(entry: unknown): void;
  /** All properties are about to be listed. */
  beforeList(): void;
}

/** Methods that change an array in place, and the index of the first argument that may be a new item. */
const MUTATORS: ReadonlyMap<string, number> = new Map([
  ["push", 0],
  ["unshift", 0],
  ["splice", 2],
  ["fill", 0],
  ["pop", 0],
  ["shift", 0],
  ["reverse", 0],
  ["copyWithin", 0],
  ["sort", 1],
]);

/**
 * Makes every change of a writable signal go through its field, which checks it first.
 *
 * `@signe/reactive` itself reports most changes, but not sorting and deleting in arrays, nor changes by `mutate` below
 * the first level. So arrays and objects are read through a proxy of our own.
 * @returns the shape that the signal was made with, whatever it holds now: one that began as null may become anything
 * @throws RoomError if the signal belongs to another field already
 */
export function track(signal: Signal, gate: FieldGate): Shape {
  const writable = signal as unknown as Writable;
  const subject = writable._subject;
  const slot = slotOf(subject);
  const previous = subject[GATE];
  if (previous?.isInState && previous.shared === gate.shared) {
    // The fields of an example are not used.
    if (!gate.isInState) return shapeOfSlot(slot);
    throw refused(
      gate,
      [],
      "internal",
      `its signal is that of ${previous.path()}: each field needs a signal of its own`,
    );
  }
  // The signal belongs to a removed entry that is added again, perhaps in another place: it has another field now.
  subject[GATE] = gate;
  if (previous) gate.collection?.setRecord(unwrap(subject[slot as "obj"]) as Plain);
  else startTracking(writable, subject as Tracked, slot);
  return shapeOfSlot(slot);
}

/** The collection of this record of entries. Undefined if it is not one. */
export function collectionOf(record: unknown): CollectionGate | undefined {
  return isContainer(record) ? (record as Partial<Gated>)[GATE]?.collection : undefined;
}

/** Where the field of a signal is stored. Undefined if the signal is not a field. */
export function placeOfSignal(signal: unknown): object | undefined {
  return (signal as Partial<Writable> | null)?._subject?.[GATE]?.place;
}

/** The shape that a signal was made with. */
export function declaredShape(signal: Signal): Shape {
  return shapeOfSlot(slotOf((signal as unknown as Writable)._subject));
}

function shapeOfSlot(slot: Slot): Shape {
  return slot === "items" ? "array" : slot === "obj" ? "object" : "any";
}

/** Whether changes of a signal are held back until it is unfrozen. */
export function isFrozen(signal: Signal): boolean {
  return (signal as unknown as Partial<Writable>)._isFrozen === true;
}

function startTracking(writable: Writable, subject: Tracked, slot: Slot): void {
  // The observable of `@signe/reactive` consists of eight objects, and few signals are ever subscribed to.
  (writable.observable = subject.asObservable()).operator = UNLESS_FROZEN;
  // Rooms have very many signals, so all of them share these functions.
  subject.next = slot === undefined ? nextValue : nextContents;
  if (slot !== undefined) replaceValue(subject, slot, writable());
  writable.mutate = (change) => mutate(writable, change);
}

/** Passes on the changes of a signal that is not frozen, as the `filter` of `@signe/reactive` does. */
const UNLESS_FROZEN: Operator = {
  call: (reader, source) =>
    source.subscribe((change) => {
      if (!isFrozen(source[GATE].signal)) reader.next(change);
    }),
};

/** The property of a subject that holds an array or an object. Undefined for other values. */
type Slot = "items" | "obj" | undefined;

function slotOf(subject: Subject): Slot {
  return "items" in subject ? "items" : "obj" in subject ? "obj" : undefined;
}

/** The whole value changes. */
function nextValue(this: Tracked, given: unknown): void {
  const gate = this[GATE];
  checkField(gate, given);
  nextContents.call(this, gate.rounded ? gate.rounded(given) : given);
}

/** A value changed, or a part of an array or object, and was checked before. */
function nextContents(this: Tracked, change: unknown): void {
  // Most signals of a room have no subscribers. RxJS would make several objects to find that out.
  if (this.observed) (Object.getPrototypeOf(this) as Subject).next.call(this, change);
  else this._value = change;
  this[GATE].changed(isFrozen(this[GATE].signal));
}

/** Makes everything that depends on a signal read it again. */
export function announceAgain(signal: Signal): void {
  const subject = (signal as unknown as Writable)._subject;
  const slot = slotOf(subject);
  announce(subject, slot === undefined ? signal() : unwrap(subject[slot as "obj"]));
}

function announce(subject: Subject, value: unknown, type = "update"): void {
  const slot = slotOf(subject);
  subject.next(slot === "items" ? { type, items: value } : slot === "obj" ? { type, value } : value);
}

/** Keeps the value of an array or object signal here, and returns a proxy of it. */
function replaceValue(subject: Tracked, slot: "items" | "obj", initial: unknown): void {
  // A copy, since the value of the signal is behind a proxy already.
  let raw: unknown[] | Plain = Array.isArray(initial) ? [...initial] : copyOf(initial as object, subject[GATE]);
  const report = () => announce(subject, raw);
  let proxy = shallowProxy(raw, subject, report);
  Object.defineProperty(subject, slot, {
    configurable: true,
    get: () => proxy,
    set: (value: object) => {
      if (value === proxy) return;
      const next = unwrap(value) as object;
      const gate = subject[GATE];
      if (gate.collection) gate.collection.replaceAll(raw as Plain, next as Plain);
      else checkField(gate, next);
      raw = Array.isArray(next) ? next : copyOf(next, gate);
      proxy = shallowProxy(raw, subject, report);
      announce(subject, raw, "reset");
    },
  });
}

/** Clients choose the keys of entries. The record inherits nothing that such a key could find. */
function copyOf(value: object, { collection }: FieldGate): Plain {
  const copy = Object.assign((collection ? Object.create(null) : {}) as Plain, value);
  collection?.setRecord(copy);
  return copy;
}

const RAW = Symbol("raw");

/** The object behind one of our proxies, or the value itself. */
function unwrap(value: unknown): unknown {
  return typeof value === "object" && value !== null ? ((value as { [RAW]?: object })[RAW] ?? value) : value;
}

/** Reads a property, except those that lead to a prototype: an assignment there would change all rooms. */
function read(target: object, key: PropertyKey): unknown {
  if (typeof key === "string" && isHostileKey(key) && !Object.hasOwn(target, key)) return undefined;
  return Reflect.get(target, key);
}

/** A view of an array or object that reports changes of its own properties, but not of deeper ones. */
function shallowProxy<T extends object>(raw: T, gate: Gated, notify: () => void): T {
  return new Proxy(raw, {
    get(target, key, receiver) {
      if (key === RAW) return target;
      if (key === GATE) return gate[GATE];
      lookUp(target, key, gate);
      const value = read(target, key);
      gate[GATE].collection?.handOut(value);
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
      gate[GATE].collection?.beforeList();
      return Reflect.ownKeys(target);
    },
    ...writeTraps<T>([], gate, notify),
  });
}

/** Finds a property that may not be in the object yet. */
function lookUp(target: object, key: PropertyKey, { [GATE]: { collection } }: Gated): void {
  if (collection && typeof key === "string" && !Object.hasOwn(target, key)) collection.beforeGet(key);
}

type Method = (...args: unknown[]) => unknown;

/** Runs an array's method on the array itself, with one check and one report for all items. */
function arrayMethod(array: unknown[], name: string, method: Method, gate: Gated, notify: () => void): Method {
  const firstItem = MUTATORS.get(name);
  return (...args) => {
    if (firstItem === undefined) return method.apply(array, args);
    for (const item of args.slice(firstItem)) checkValue(gate[GATE], [name], item);
    const result = method.apply(array, args.map(unwrap));
    notify();
    return result;
  };
}

/** A view that reports changes at any depth, while `mutate` runs. */
function deepProxy<T extends object>(
  raw: T,
  trail: readonly string[],
  gate: Gated,
  notify: () => void,
  proxies: WeakMap<object, object>,
): T {
  const existing = proxies.get(raw);
  if (existing) return existing as T;
  const proxy = new Proxy(raw, {
    get(target, key) {
      if (key === RAW) return target;
      const value = read(target, key);
      if (!isFollowed(value)) return value;
      return deepProxy(value, trailTo(gate[GATE], trail, String(key)), gate, notify, proxies);
    },
    ...writeTraps<T>(trail, gate, notify),
  });
  proxies.set(raw, proxy);
  return proxy;
}

/** The values that `mutate` follows. Instances of classes have their own methods. */
function isFollowed(value: unknown): value is object {
  return Array.isArray(value) || isLiteral(value);
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
        checkKey(gate[GATE], trail, key);
        if (Array.isArray(target)) checkIndex(gate[GATE], trail, target, key, value);
        const { collection } = gate[GATE];
        if (!collection) checkValue(gate[GATE], trailTo(gate[GATE], trail, key), value);
        else if (Reflect.get(target, key) !== value) collection.beforeSet(key, value);
      }
      const done = Reflect.set(target, key, value);
      notify();
      return done;
    },
    deleteProperty(target, key) {
      lookUp(target, key, gate);
      if (!Object.hasOwn(target, key)) return true;
      if (typeof key === "string") gate[GATE].collection?.beforeSet(key, undefined);
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
  // The entries of a collection consist of signals, which report their own changes.
  if (!isFollowed(raw) || subject[GATE].collection) {
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
