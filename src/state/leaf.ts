import type { ComputedSignal, Signal } from "@signe/reactive";
import { isSameKind } from "./audience.ts";
import type { Audience, Sees } from "./audience.ts";
import { readTracked, Subscriptions } from "./computed.ts";
import { diff, SAME } from "./diff.ts";
import type { Field } from "./fields.ts";
import { checkValue, shapeOf } from "./value-checks.ts";
import type { Shape } from "./value-checks.ts";
import { nestDottedKeys } from "./dotted-keys.ts";
import type { Row } from "./rows.ts";
import { madeAs, track } from "./tracking.ts";
import type { FieldGate } from "./tracking.ts";
import { toPlain } from "./to-plain.ts";

/** What a leaf needs of the group that it is in. */
export interface LeafParent {
  names(): string[];
  /** Whether it is part of the state now: entries that were removed are not. */
  readonly attached: boolean;
  coverOf(sees: Sees): string[] | undefined;
  childChanged(key: string): void;
  /** Told of a computed signal or a transform that could not be read. */
  report(error: unknown): void;
  /** Told of a stored value that could not be read. */
  unreadable(name: string, value: unknown, error: unknown): void;
}

/** Where a leaf is kept, and who sees it. */
export interface LeafPlace {
  readonly row: Row | undefined;
  readonly persisted: boolean;
  readonly audience: Audience | undefined;
}

const UNSENT: unique symbol = Symbol("unsent");
/** The same, where clients may know something else under this name: it is no part of that. */
const REPLACING: unique symbol = Symbol("replacing");

/** One field: a signal, what clients were last told of it, and whether it changed since. */
export class Leaf implements FieldGate {
  readonly key: string;
  readonly signal: Signal;
  readonly field: Field;
  readonly shape: Shape;
  /** The row that it is kept in: with the stored state, or only until the room restarts. */
  readonly row: Row | undefined;
  readonly persisted: boolean;
  readonly audience: Audience | undefined;
  dirty = true;
  readonly #parent: LeafParent;
  #sent: unknown = UNSENT;
  #text: string | undefined;
  #inside: Subscriptions | undefined;

  constructor(parent: LeafParent, key: string, signal: Signal, field: Field, place: LeafPlace) {
    this.#parent = parent;
    this.key = key;
    this.signal = signal;
    this.field = field;
    this.row = field.kind === "value" ? place.row : undefined;
    this.persisted = place.persisted && field.persisted;
    this.audience = place.audience;
    this.shape = field.kind === "computed" ? "any" : madeAs(signal);
    if (field.kind !== "computed") track(signal, this);
  }

  get synced(): boolean {
    return this.field.synced;
  }

  /** Whether everyone is told of it: so whoever saw what was there before is, too. */
  get isForAll(): boolean {
    return this.synced && !this.audience;
  }

  /** What clients were last told; undefined before the first time. */
  get sent(): unknown {
    return typeof this.#sent === "symbol" ? undefined : this.#sent;
  }

  names(): string[] {
    return [...this.#parent.names(), this.key];
  }

  /** The names of the outermost entry around it that may not be seen at all, since it is in a hidden collection. */
  coverOf(sees: Sees): string[] | undefined {
    return this.#parent.coverOf(sees);
  }

  path(): string {
    return this.names().join(".");
  }

  changed(): void {
    if (!this.#parent.attached) return;
    this.row?.changed(this.persisted);
    if (this.synced && !this.dirty && !isFrozen(this.signal)) {
      this.dirty = true;
      this.#parent.childChanged(this.key);
    }
  }

  /** Moves what clients know to what is true now. @returns the patch, or SAME */
  settle(): unknown {
    this.dirty = false;
    const previous = this.#sent;
    if (previous !== UNSENT && isFrozen(this.signal)) return SAME;
    const next = this.#tryRead(previous);
    const patch = previous === UNSENT ? next : diff(previous, next);
    if (patch === SAME) return SAME;
    this.#sent = next;
    this.#text = undefined;
    // A client holds a nullable field in a plain signal, which only a whole array makes it announce.
    return this.shape === "any" && Array.isArray(next) ? next : patch;
  }

  /**
   * Goes on from what clients know of the field that was here before.
   * @returns whether it is for the same viewers. If not, they have to forget that one, and this one comes whole.
   */
  adopt(previous: Leaf): boolean {
    const isSame = this.synced === previous.synced && isSameKind(this.audience, previous.audience);
    this.#sent = isSame ? previous.#sent : REPLACING;
    return isSame;
  }

  /** Takes this as what clients know; `undefined` for nothing. */
  assume(known: unknown): void {
    this.#sent = known === undefined ? UNSENT : known;
    this.#text = undefined;
    this.dirty = true;
  }

  /** What clients know, as JSON. */
  text(): string {
    return (this.#text ??= JSON.stringify(this.sent ?? null));
  }

  /** The same for a field like this one, of which this value is stored; undefined if that cannot be told. */
  textOfStored(value: unknown): string | undefined {
    const { kind, transform } = this.field;
    if (kind === "connected") return "false";
    if (transform || value === undefined || !this.fits(value)) return undefined;
    return JSON.stringify(nestDottedKeys(value));
  }

  stop(): void {
    this.#inside?.stop();
  }

  stored(): unknown {
    return toPlain(this.signal(), "store");
  }

  /** Sets a stored value, unless it cannot be read. @returns whether it was set */
  load(value: unknown): boolean {
    if (this.field.kind !== "value") return false;
    try {
      if (!this.fits(value)) throw new Error(`It is not the ${this.shape} that the field was declared as`);
      (this.signal as unknown as { set(value: unknown): void }).set(value);
      return true;
    } catch (error) {
      this.row?.changed(this.persisted);
      this.#parent.unreadable(this.key, value, error);
      return false;
    }
  }

  /** Whether a stored value is of the kind that the field was declared as. */
  fits(value: unknown): boolean {
    return this.field.kind !== "value" || this.shape === "any" || shapeOf(value) === this.shape;
  }

  /** What clients would be told of it now. @throws what keeps them from being told */
  current(): unknown {
    const { transform } = this.field;
    const plain = this.#plain(transform ? transform(this.signal()) : this.signal());
    checkValue(this, [], plain);
    return plain;
  }

  #plain(value: unknown, onSignal?: (signal: unknown) => void): unknown {
    return nestDottedKeys(toPlain(value, "sync", onSignal)) ?? null;
  }

  #tryRead(previous: unknown): unknown {
    try {
      return this.#read();
    } catch (error) {
      this.#parent.report(error);
      return typeof previous === "symbol" ? null : previous;
    }
  }

  #read(): unknown {
    const { kind, transform } = this.field;
    let inside: unknown[] = [];
    let value: unknown;
    if (kind === "computed") {
      const tracked = readTracked(this.signal as ComputedSignal);
      value = tracked.value;
      inside = [...tracked.read];
    } else {
      value = this.signal();
    }
    const plain = this.#plain(transform ? transform(value) : value, (signal) => inside.push(signal));
    if (inside.length > 0 || this.#inside) {
      this.#inside ??= new Subscriptions(() => this.changed());
      this.#inside.follow(inside);
    }
    // What is set is checked then, but this is made of something else, which may be for the server only.
    if (transform || inside.length > 0) checkValue(this, [], plain);
    return plain;
  }
}

function isFrozen(signal: Signal): boolean {
  return (signal as { _isFrozen?: boolean })._isFrozen === true;
}
