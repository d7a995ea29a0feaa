import { DELETE } from "../protocol/packets.ts";
import { SAME } from "./diff.ts";
import type { EntryNode } from "./node.ts";
import { Sight } from "./sight.ts";
import type { Observer } from "./signals/adapter.ts";

/** Coordinates. */
export type Position = readonly number[];

const NOBODY = () => false;

/** An entry of a collection with keyed visibility: its place, its previous place, and its changes. */
export class SeenEntry {
  readonly key: string;
  /** Undefined if it was removed. */
  node: EntryNode | undefined;
  /** Its place in the index. */
  place: unknown;
  /** Its place when viewers were last updated. Undefined if it was not there. */
  before: unknown;
  /** Whether it existed then. */
  wasThere = false;
  at: Position | undefined;
  /** Its position when viewers were last updated. */
  #toldAt: Position | undefined;
  /** The number of the last delivery with a change of it. */
  touchedIn = 0;
  /** Its changes since the last delivery, as a patch. */
  change: unknown = SAME;
  /** Its changes that were not delivered to a ring yet, by the number of the ring. */
  late: unknown[] | undefined;
  /** Whether clients get all fields of its place, so that no change of it is missed. */
  isFollowed = false;
  /** Observes the signals of its place. Undefined if nothing has to be observed. */
  observer: Observer | undefined;
  #changed: Sight | undefined;
  #whole: Sight | undefined;
  #gone: Sight | undefined;
  #late: (Sight | undefined)[] | undefined;

  constructor(key: string) {
    this.key = key;
  }

  /** It has a change in this delivery. */
  touch(delivery: number): void {
    this.touchedIn = delivery;
    this.#forget();
  }

  /** The change was delivered. */
  told(): void {
    this.before = this.place;
    this.#toldAt = this.at;
    this.wasThere = this.node !== undefined;
    this.change = SAME;
    this.#forget();
  }

  #forget(): void {
    this.#changed = this.#whole = this.#late = undefined;
  }

  /** Whether its position changed since viewers were last updated. */
  get isElsewhere(): boolean {
    return this.at?.some((coordinate, index) => coordinate !== this.#toldAt?.[index]) === true;
  }

  /** Its changes since the last delivery. Undefined if there are none. */
  get changed(): Sight | undefined {
    if (this.change === SAME) return undefined;
    return (this.#changed ??= Sight.of("change", this.key, this.change));
  }

  /** Its changes that were not delivered to a ring yet. */
  lateFor(ring: number): Sight | undefined {
    const late = this.late?.[ring];
    if (late === undefined) return undefined;
    return ((this.#late ??= [])[ring] ??= Sight.of("late", this.key, late));
  }

  get whole(): Sight {
    return (this.#whole ??= Sight.whole(this.key, this.node?.textFor(NOBODY) ?? "{}"));
  }

  get gone(): Sight {
    return (this.#gone ??= Sight.of("gone", this.key, DELETE));
  }
}
