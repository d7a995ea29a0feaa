/** Random slots have 14 bits at first, which are two bytes of a varint. */
const FIRST_RANGE = 2 ** 14;
/** The range grows by another byte if more than this share of it is used. */
const CROWDED = 0.5;

/** The slots of the entries of one collection: small numbers that stand for their keys during one run of the room. */
export class Slots {
  readonly #isRandom: boolean;
  /** The slots in use, if they are random. */
  readonly #taken = new Set<number>();
  #range = FIRST_RANGE;
  readonly #slots = new Map<string, number>();
  readonly #free: number[] = [];
  /** The slots whose keys clients get in this packet. */
  readonly #fresh = new Set<number>();
  /** The values that clients have of each slot, by field. */
  readonly #sent: (unknown[] | undefined)[] = [];

  /** @param isRandom whether slots must not reveal the number of other entries */
  constructor(isRandom = false) {
    this.#isRandom = isRandom;
  }

  /** Starts a packet: clients know all slots now. */
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
      // Numbers of Math.random can be predicted, and so would reveal how many other entries got one.
      const slot = (crypto.getRandomValues(new Uint32Array(1))[0] as number) % this.#range;
      if (this.#taken.has(slot)) continue;
      this.#taken.add(slot);
      return slot;
    }
  }

  isFresh(slot: number): boolean {
    return this.#fresh.has(slot);
  }

  /** The slots by key. */
  get keys(): ReadonlyMap<string, number> {
    return this.#slots;
  }

  sent(slot: number): unknown[] {
    return (this.#sent[slot] ??= []);
  }

  /** What clients have of the entry is no longer known. */
  forgetSent(slot: number): void {
    if (this.#sent[slot]) this.#sent[slot] = undefined;
  }

  /** The entry was removed. */
  release(key: string): number | undefined {
    const slot = this.#slots.get(key);
    if (slot === undefined) return undefined;
    this.#slots.delete(key);
    if (this.#isRandom) this.#taken.delete(slot);
    else this.#free.push(slot);
    this.forgetSent(slot);
    return slot;
  }

  /** All entries were removed or replaced. */
  clear(): void {
    for (const key of this.#slots.keys()) this.release(key);
  }
}
