import type { Change } from "./game.ts";

const [X, Y] = [1, 2];

/**
 * Encodes moves as binary frames by hand, with the bytes that a room of this project sends for the same moves (P13).
 */
export class Frames {
  readonly #slots = new Map<string, number>();
  readonly #bytes = new Uint8Array(65_536);
  readonly #view = new DataView(this.#bytes.buffer);
  #seq = 0;
  #at = 0;

  /** @param change of connected players, each of which has at least x and y */
  encode({ players }: Change): Uint8Array {
    this.#at = 0;
    this.#byte(1);
    this.#varint(++this.#seq + 1);
    this.#byte(0);
    const rows = Object.entries(players).map(([id, { x = 0, y = 0 }]) => ({ slot: this.#slotOf(id), x, y }));
    rows.sort((one, other) => one.slot - other.slot);
    this.#byte(1);
    this.#varint(1);
    this.#names(rows.map(({ slot }) => slot));
    this.#varint(X | Y);
    this.#column(rows.map(({ x }) => x));
    this.#column(rows.map(({ y }) => y));
    return this.#bytes.slice(0, this.#at);
  }

  #slotOf(id: string): number {
    const slot = this.#slots.get(id) ?? this.#slots.size;
    this.#slots.set(id, slot);
    return slot;
  }

  /** Writes the slots as a bit set or one by one, whichever is shorter. */
  #names(slots: readonly number[]): void {
    const first = slots[0] ?? 0;
    const width = (((slots.at(-1) ?? 0) - first) >> 3) + 1;
    if (width > slots.length) {
      this.#byte(2);
      this.#varint(slots.length);
      let next = 0;
      for (const slot of slots) {
        this.#varint(slot - next);
        next = slot + 1;
      }
      return;
    }
    this.#byte(1);
    this.#varint(first);
    this.#varint(width);
    this.#bytes.fill(0, this.#at, this.#at + width);
    for (const slot of slots) {
      const at = this.#at + ((slot - first) >> 3);
      this.#bytes[at] = (this.#bytes[at] as number) | (1 << ((slot - first) & 7));
    }
    this.#at += width;
  }

  /** Writes whole numbers from 0 on, in one or two bytes each. */
  #column(values: readonly number[]): void {
    const isShort = values.every((value) => value < 256);
    this.#byte(isShort ? 1 : 2);
    for (const value of values) {
      if (isShort) this.#byte(value);
      else {
        this.#view.setUint16(this.#at, value, true);
        this.#at += 2;
      }
    }
  }

  #byte(value: number): void {
    this.#bytes[this.#at++] = value;
  }

  #varint(value: number): void {
    let rest = value;
    for (; rest > 127; rest >>= 7) this.#byte((rest & 127) | 128);
    this.#byte(rest);
  }
}
