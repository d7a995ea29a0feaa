import type { ComputedSignal, Signal, WritableSignal } from "@signe/reactive";
import type { Build } from "../protocol/build.ts";
import { isPlain } from "../protocol/values.ts";
import { isSameKind } from "./audience.ts";
import type { HiddenEntry, LeafParent, LeafPlacement, LeafShared } from "./leaf-scope.ts";
import type { Audience, Sees } from "./audience.ts";
import { diff, Replacement, SAME } from "./diff.ts";
import type { Field } from "./field.ts";
import type { Row } from "./rows.ts";
import { Observer, readComputed } from "./signals/adapter.ts";
import { announceAgain, isFrozen, track } from "./signals/tracking.ts";
import type { FieldGate } from "./signals/tracking.ts";
import { toPlain, toSent } from "./to-plain.ts";
import { checkValue, refused, shapeOf } from "./value-checks.ts";
import type { Shape } from "./value-checks.ts";

/** A change that only some viewers may see. */
export interface PrivateChange {
  readonly names: readonly string[];
  readonly audience: Audience;
  /** As in a patch. */
  readonly value: unknown;
  /** The field; undefined where it is gone. */
  readonly leaf: Leaf | undefined;
  /** The ids of the fields that are gone, by which it is known who saw them. Undefined where a room that slept forgot them. */
  readonly gone?: ReadonlySet<number> | undefined;
}

const UNSENT: unique symbol = Symbol("unsent");
/** The same, where clients may have something else under this name: it is no part of that. */
const REPLACING: unique symbol = Symbol("replacing");

/** One field: a signal, what was last sent of it, and whether it changed since. */
export class Leaf implements FieldGate {
  readonly key: string;
  readonly signal: Signal;
  readonly field: Field;
  readonly shape: Shape;
  readonly synced: boolean;
  /** Whether nothing of it is ever sent. */
  readonly hidden: boolean;
  /** Whether it has a value that can be stored. */
  readonly isStored: boolean;
  /** The row that it is stored in: with the state, or only until the room restarts. */
  readonly row: Row | undefined;
  /** The row of what it is part of. */
  readonly place: Row;
  readonly persisted: boolean;
  readonly audience: Audience | undefined;
  /**
   * By which it is remembered who saw it, where not everybody does; else 0. It is that of the field that was here
   * before, if clients have that. Names would not do: clients choose keys that look like a path below another entry.
   */
  id = 0;
  dirty = true;
  readonly shared: LeafShared;
  isInState: boolean;
  readonly #parent: LeafParent;
  #sent: unknown = UNSENT;
  /** The number of the packet with its last change; 0 if it is as it was stored. */
  #sentIn = 0;
  /** Whether its value is the stored one. Everyone is offline in a room that starts, and their sessions say so. */
  #isRestored: boolean;
  #text: string | undefined;
  #inside: Observer | undefined;

  constructor(
    shared: LeafShared,
    parent: LeafParent,
    key: string,
    signal: Signal,
    field: Field,
    placement: LeafPlacement,
  ) {
    this.shared = shared;
    this.#parent = parent;
    this.isInState = parent.isInState;
    this.key = key;
    this.signal = signal;
    this.field = field;
    this.synced = field.synced;
    this.hidden = !field.synced;
    this.isStored = field.kind === "value" || field.kind === "reference";
    this.row = this.isStored ? placement.row : undefined;
    this.place = placement.row;
    this.#isRestored = field.kind === "connected" && shared.loading;
    this.persisted = placement.persisted && field.persisted;
    this.audience = placement.audience;
    if (this.audience) this.id = shared.nextLeafId();
    this.shape = field.kind === "computed" ? "any" : track(signal, this);
    // A new entry may hold what a client sent. Nobody was asked before it was put into the signal.
    if (this.isInState && !shared.loading && field.kind === "value") checkValue(this, [], signal());
    // The developer chose the other values of a state that is made: numbers and texts are what they seem to be.
    else if (shared.isMaking && field.kind === "value" && !isNumberOrText(signal())) checkValue(this, [], signal());
    if (field.codec) this.#round(signal as WritableSignal<unknown>);
    if (this.audience?.dynamic && this.isInState) shared.dynamic.add(this);
  }

  /** Rounds the value that the signal was made with. */
  #round(signal: WritableSignal<unknown>): void {
    const rounded = this.rounded(signal());
    if (rounded !== signal()) signal.set(rounded);
  }

  /** Whether it is sent to everyone, so also to those who saw the field that was here before. */
  get isForAll(): boolean {
    return this.synced && !this.audience;
  }

  /** The value of the property that it belongs to. */
  get property(): object {
    return this.signal;
  }

  /** The declaration of replacements. Undefined if its class or factory makes it again. */
  get declared(): { readonly field: Field; readonly shape: Shape } | undefined {
    return this.field.kind === "value" ? this : undefined;
  }

  /** How many fields in here not everybody sees. */
  get privateCount(): number {
    return this.audience ? 1 : 0;
  }

  /** The last sent value. Undefined before the first packet. */
  get sent(): unknown {
    return typeof this.#sent === "symbol" ? undefined : this.#sent;
  }

  /** The number of the last packet in which it changed, or something around it was replaced. */
  get changedIn(): number {
    return Math.max(this.#ownChange, this.#sentIn ? 0 : this.shared.changedBefore(this.place), this.#parent.replacedIn);
  }

  /** The same without what was stored before the room started, and what is around it. */
  get #ownChange(): number {
    return this.#sentIn || (this.isDurable ? 0 : this.shared.startedIn);
  }

  /** Whether all that is sent of it is there again when a room starts. */
  get isDurable(): boolean {
    return this.hidden || this.field.kind === "connected" || (this.isStored && this.persisted && !this.field.transform);
  }

  /** The change since a packet, among the changes since the room started, or SAME. */
  since(seq: number): unknown {
    return this.isForAll && this.#ownChange > seq ? this.whole : SAME;
  }

  /** The last sent value, for clients that may have any value at its place. */
  get whole(): unknown {
    const { sent } = this;
    return isPlain(sent) ? new Replacement(sent) : (sent ?? null);
  }

  names(): string[] {
    return [...this.#parent.names(), this.key];
  }

  /** The outermost entry around it that may not be seen at all, since it is in a hidden collection. */
  hiddenEntryAround(sees: Sees): HiddenEntry | undefined {
    return this.#parent.hiddenEntryAround(sees);
  }

  path(): string {
    return this.names().join(".");
  }

  rounded(value: unknown): unknown {
    const { codec } = this.field;
    if (!codec) return value;
    const rounded = codec.round(value);
    if (rounded === undefined) throw refused(this, [], "invalid_input", `takes ${codec.takes}`);
    if ((globalThis as Build).process?.env?.NODE_ENV !== "production") this.#adviseOnRounding(value, rounded);
    return rounded;
  }

  /** Movements that are smaller than a step never move anything. */
  #adviseOnRounding(value: unknown, rounded: unknown): void {
    const names = this.names();
    const kind = `${names[0]}.${this.key}`;
    if (rounded === value || rounded !== this.signal() || this.shared.lost.has(kind)) return;
    this.shared.lost.add(kind);
    this.shared.onRoundedAway(names.join("."));
  }

  changed(isSignalFrozen: boolean): void {
    if (!this.isInState || this.shared.loading) return;
    this.#isRestored = this.field.kind === "connected" && this.shared.clock === 0;
    this.row?.changed(this.persisted);
    if (!isSignalFrozen) this.touch();
  }

  /** Its value for clients may have changed. */
  protected touch(): void {
    if (!this.synced) return this.shared.answersChanged();
    // Also if it is dirty: the row may have been stored since, and this change was not.
    this.place.touch();
    if (this.dirty) return;
    this.dirty = true;
    this.#parent.childChanged(this.key);
  }

  /** Takes the change since the last time. @returns the patch for everyone, or SAME; a private one goes to `changes` */
  settle(changes: PrivateChange[]): unknown {
    if (!this.synced) return SAME;
    const value = this.#settle();
    const { audience } = this;
    if (!audience || value === SAME) return value;
    changes.push({ names: this.names(), audience, value, leaf: this });
    return SAME;
  }

  #settle(): unknown {
    this.dirty = false;
    const previous = this.#sent;
    if (previous !== UNSENT && isFrozen(this.signal)) return SAME;
    const next = this.#tryRead(previous);
    const patch = previous === UNSENT ? next : diff(previous, next);
    if (patch === SAME) return SAME;
    this.#sent = next;
    this.#sentIn = this.#isRestored ? 0 : this.shared.clock;
    this.#isRestored = false;
    this.#text = undefined;
    // A client holds a nullable field in a plain signal, which only a whole array makes it announce.
    return this.shape === "any" && Array.isArray(next) ? next : patch;
  }

  /**
   * Continues from what was sent of the field that was here before.
   * @returns whether it is for the same viewers. If not, they have to forget that one, and this one is sent whole.
   */
  continueFrom(previous: Leaf): boolean {
    const isSame = this.synced === previous.synced && isSameKind(this.audience, previous.audience);
    this.#sent = isSame ? previous.#sent : REPLACING;
    this.#sentIn = previous.#sentIn;
    if (isSame) this.id = previous.id;
    return isSame;
  }

  /** Takes the place of the field that was here, which is like it. What depends on that one depends on this now. */
  replace(previous: Leaf): void {
    this.continueFrom(previous);
    this.changed(false);
    previous.stop();
    announceAgain(previous.signal);
  }

  /** Takes this as what was sent; `undefined` for nothing. */
  assumeSent(sent: unknown): void {
    this.#sent = sent === undefined ? UNSENT : sent;
    this.#text = undefined;
    this.dirty = true;
  }

  /** The sent value as JSON. Undefined if it is hidden from this viewer. */
  textFor(sees: Sees): string | undefined {
    if (this.audience && !sees(this.audience)) return undefined;
    return (this.#text ??= JSON.stringify(this.sent ?? null));
  }

  /** Adds it to the fields that not everybody sees, if it is one. */
  privateLeaves(into: Leaf[]): void {
    if (this.synced && this.audience) into.push(this);
  }

  /** Leaves the state: changes of the signal count no more, and what it depends on is not observed. */
  stop(): void {
    this.isInState = false;
    this.#inside?.stop();
    this.shared.dynamic.delete(this);
  }

  stored(): unknown {
    return toPlain(this.signal(), "store", this);
  }

  /** Marks it as unsaved, if it is stored with the state. */
  saveAll(): void {
    if (this.persisted) this.row?.changed(true);
  }

  /** Sets a stored value, unless it cannot be read. @returns whether it is still missing in storage */
  load(value: unknown): boolean {
    const isLoaded = value !== undefined && this.#tryLoad(value);
    return !isLoaded && this.persisted && this.row !== undefined;
  }

  #tryLoad(value: unknown): boolean {
    if (!this.isStored) return false;
    try {
      if (!this.hasShape(value))
        throw new Error(`The field was declared as an ${this.shape}, and the stored value is not`);
      (this.signal as WritableSignal<unknown>).set(value);
      this.#isRestored = this.shared.loading && !this.field.transform;
      return true;
    } catch (error) {
      this.row?.changed(this.persisted);
      this.shared.onUnreadable(this.names(), value, error);
      return false;
    }
  }

  /** Whether a value is what the field was declared as. */
  protected hasShape(value: unknown): boolean {
    return this.shape === "any" || shapeOf(value) === this.shape;
  }

  /** Its present value for clients. @throws the error that prevents sending it */
  current(): unknown {
    const { transform } = this.field;
    const plain = toSent(transform ? transform(this.signal()) : this.signal(), this);
    checkValue(this, [], plain);
    return plain;
  }

  #tryRead(previous: unknown): unknown {
    try {
      return this.read();
    } catch (error) {
      this.shared.onError(error);
      return typeof previous === "symbol" ? null : previous;
    }
  }

  /** Its present value for clients. */
  protected read(): unknown {
    const { kind, transform } = this.field;
    let inside: unknown[] = [];
    let value: unknown;
    if (kind === "computed") {
      const reading = readComputed(this.signal as ComputedSignal);
      value = reading.value;
      inside = [...reading.signals];
    } else {
      value = this.signal();
    }
    const plain = toSent(transform ? transform(value) : value, this, (signal) => inside.push(signal));
    this.observe(inside);
    // Set values are checked when they are set. This value is computed, and may contain values for the server only.
    if (transform || kind === "computed") checkValue(this, [], plain);
    return plain;
  }

  /** It depends on these signals from now on, beside its own. */
  protected observe(signals: readonly unknown[]): void {
    if (signals.length === 0 && !this.#inside) return;
    this.#inside ??= new Observer(() => this.changed(isFrozen(this.signal)));
    this.#inside.observe(signals);
  }
}

function isNumberOrText(value: unknown): boolean {
  return typeof value === "number" || typeof value === "string";
}
