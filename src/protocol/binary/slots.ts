/** The slots of the entries of one collection: small numbers that stand for their keys, as long as one room runs. */
export class Slots {
  readonly #slots = new Map<string, number>();
  readonly #free: number[] = [];
  /** Those whose keys clients are told in this packet. */
  readonly #fresh = new Set<number>();
  /** The values that clients have of each slot, by field. */
  readonly #sent = new Map<number, unknown[]>();

  /** A packet begins: clients know all slots by now. */
  begin(): void {
    this.#fresh.clear();
  }

  of(key: string): number | undefined {
    return this.#slots.get(key);
  }

  assign(key: string): number {
    const slot = this.#free.pop() ?? this.#slots.size;
    this.#slots.set(key, slot);
    this.#fresh.add(slot);
    return slot;
  }

  isFresh(slot: number): boolean {
    return this.#fresh.has(slot);
  }

  /** The slots with their keys. */
  get keys(): ReadonlyMap<string, number> {
    return this.#slots;
  }

  sent(slot: number): unknown[] {
    const sent = this.#sent.get(slot) ?? [];
    this.#sent.set(slot, sent);
    return sent;
  }

  /** It is not known any more what clients have of it. */
  forgetSent(slot: number): void {
    this.#sent.delete(slot);
  }

  /** The entry is gone. */
  release(key: string): number | undefined {
    const slot = this.#slots.get(key);
    if (slot === undefined) return undefined;
    this.#slots.delete(key);
    this.#free.push(slot);
    this.forgetSent(slot);
    return slot;
  }

  /** All entries are gone, or may be others. */
  clear(): void {
    for (const key of this.#slots.keys()) this.release(key);
  }
}
