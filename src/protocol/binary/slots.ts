/** Random slots have 14 bits at first, which are two bytes of a varint. */
const FIRST_RANGE = 2 ** 14;
/** The range grows by another byte where more than this share of it is taken. */
const CROWDED = 0.5;

/** The slots of the entries of one collection: small numbers that stand for their keys, as long as one room runs. */
export class Slots {
  readonly #isRandom: boolean;
  /** Those that are taken, where they are random. */
  readonly #taken = new Set<number>();
  #range = FIRST_RANGE;
  readonly #slots = new Map<string, number>();
  readonly #free: number[] = [];
  /** Those whose keys clients are told in this packet. */
  readonly #fresh = new Set<number>();
  /** The values that clients have of each slot, by field. */
  readonly #sent: (unknown[] | undefined)[] = [];

  /** @param isRandom whether a slot must not tell how many others there are */
  constructor(isRandom = false) {
    this.#isRandom = isRandom;
  }

  /** A packet begins: clients know all slots by now. */
  begin(): void {
    this.#fresh.clear();
  }

  of(key: string): number | undefined {
    return this.#slots.get(key);
  }

  assign(key: string): number {
    const slot = this.#isRandom ? this.#random() : (this.#free.pop() ?? this.#slots.size);
    this.#slots.set(key, slot);
    this.#fresh.add(slot);
    return slot;
  }

  #random(): number {
    if (this.#taken.size >= this.#range * CROWDED) this.#range *= 128;
    for (;;) {
      const slot = Math.floor(Math.random() * this.#range);
      if (this.#taken.has(slot)) continue;
      this.#taken.add(slot);
      return slot;
    }
  }

  isFresh(slot: number): boolean {
    return this.#fresh.has(slot);
  }

  /** The slots with their keys. */
  get keys(): ReadonlyMap<string, number> {
    return this.#slots;
  }

  sent(slot: number): unknown[] {
    return (this.#sent[slot] ??= []);
  }

  /** It is not known any more what clients have of it. */
  forgetSent(slot: number): void {
    if (this.#sent[slot]) this.#sent[slot] = undefined;
  }

  /** The entry is gone. */
  release(key: string): number | undefined {
    const slot = this.#slots.get(key);
    if (slot === undefined) return undefined;
    this.#slots.delete(key);
    if (this.#isRandom) this.#taken.delete(slot);
    else this.#free.push(slot);
    this.forgetSent(slot);
    return slot;
  }

  /** All entries are gone, or may be others. */
  clear(): void {
    for (const key of this.#slots.keys()) this.release(key);
  }
}
