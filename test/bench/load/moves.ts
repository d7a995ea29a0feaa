/** Where a player goes, and which of its moves it has seen. */
export interface Moves {
  readonly sent: number;
  readonly seen: number;
  next(now: number): { readonly x: number; readonly y: number };
  /** The room said where this player is. @param ages gets the ages of the moves that were seen now, in ms @returns how many */
  saw(x: number, now: number, ages: number[]): number;
}

/** How many values of x there are: three digits, so that every move is as long as any other. */
const VALUES = 900;

/** Each move has the next value of x, so that the move can be found by it. */
export class Counting implements Moves {
  sent = 0;
  seen = 0;
  readonly #sentAt = new Float64Array(VALUES);

  next(now: number): { x: number; y: number } {
    const value = this.sent++ % VALUES;
    this.#sentAt[value] = now;
    return { x: 100 + value, y: 999 - value };
  }

  saw(x: number, now: number, ages: number[]): number {
    // 0 is where it began.
    if (x < 100) return 0;
    const steps = (x - 100 - (this.seen % VALUES) + VALUES + 1) % VALUES;
    if (steps > this.sent - this.seen) return 0;
    for (let step = 0; step < steps; step++) ages.push(now - (this.#sentAt[this.seen++ % VALUES] as number));
    return steps;
  }
}

/** The longest step of a walk in one direction of the map: 5 and 5 are 7 together. */
const STEP = 5;
/** How many steps a player goes straight on. */
const STRAIGHT = 20;
/** The most moves that are remembered until they are seen: a server that does not keep up loses the older ones. */
const MAX_WAITING = 200;

/** A walk over a square map: x is another one with each step, so that a move can be found by it. */
export class Walk implements Moves {
  sent = 0;
  seen = 0;
  readonly #side: number;
  #seed: number;
  #x: number;
  #y: number;
  #dx = 0;
  #dy = 0;
  #waiting: { readonly x: number; readonly at: number }[] = [];

  constructor(side: number, index: number) {
    this.#side = side;
    this.#seed = index + 1;
    this.#x = this.#random(side);
    this.#y = this.#random(side);
  }

  next(now: number): { x: number; y: number } {
    if (this.sent % STRAIGHT === 0) {
      this.#dx = (1 + this.#random(STEP)) * (this.#random(2) === 0 ? -1 : 1);
      this.#dy = this.#random(2 * STEP + 1) - STEP;
    }
    if (!this.#isInside(this.#x + this.#dx)) this.#dx = -this.#dx;
    if (!this.#isInside(this.#y + this.#dy)) this.#dy = -this.#dy;
    this.#x += this.#dx;
    this.#y += this.#dy;
    this.sent++;
    this.#waiting.push({ x: this.#x, at: now });
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
    return { x: this.#x, y: this.#y };
  }

  saw(x: number, now: number, ages: number[]): number {
    const steps = this.#waiting.findIndex((move) => move.x === x) + 1;
    for (const { at } of this.#waiting.splice(0, steps)) ages.push(now - at);
    this.seen += steps;
    return steps;
  }

  #isInside(position: number): boolean {
    return position > 0 && position < this.#side;
  }

  /** A whole number from 0 to below a limit; the same ones in each run. https://en.wikipedia.org/wiki/Xorshift */
  #random(below: number): number {
    // Neighbouring seeds give neighbouring first numbers: they are mixed before.
    let bits = Math.imul(this.#seed, 0x9e3779b1);
    bits ^= bits << 13;
    bits ^= bits >>> 17;
    bits ^= bits << 5;
    this.#seed = bits | 1;
    return (bits >>> 0) % below;
  }
}
