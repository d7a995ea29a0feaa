/** The fields that a row has, and their values. */
export class Row {
  /** A bit for each field. */
  mask = 0;
  readonly values: unknown[] = [];
  /** Whether an object of fields was replaced. What clients have of these fields is then unknown. */
  isTorn = false;

  set(field: number, value: unknown): void {
    this.mask |= 1 << field;
    this.values[field] = value;
  }
}

export function hasField(mask: number, field: number): boolean {
  return ((mask >> field) & 1) === 1;
}

/** Rows with the same fields. */
export interface RowBlock {
  readonly mask: number;
  readonly slots: number[];
  readonly keys: string[];
  readonly rows: (readonly unknown[])[];
}

/** Rows, grouped by their fields. */
export class RowBlocks {
  /** Undefined while it is empty: many of these stay empty. */
  #blocks: Map<number, RowBlock> | undefined;

  add({ mask, values }: Row, key: string, slot = -1): void {
    this.#blocks ??= new Map();
    let block = this.#blocks.get(mask);
    if (!block) this.#blocks.set(mask, (block = { mask, slots: [], keys: [], rows: [] }));
    block.slots.push(slot);
    block.keys.push(key);
    block.rows.push(values);
  }

  [Symbol.iterator](): Iterator<RowBlock> {
    return (this.#blocks?.values() ?? [])[Symbol.iterator]();
  }
}

/** The same rows in the order of their slots. */
export function bySlot(block: RowBlock): RowBlock {
  const { mask, slots, keys, rows } = block;
  // Entries usually change in the order in which they were added.
  if (slots.every((slot, row) => row === 0 || slot > (slots[row - 1] as number))) return block;
  const order = slots.map((_, row) => row).toSorted((one, other) => (slots[one] as number) - (slots[other] as number));
  const sorted = <T>(list: readonly T[]) => order.map((row) => list[row] as T);
  return { mask, slots: sorted(slots), keys: sorted(keys), rows: sorted(rows) };
}
