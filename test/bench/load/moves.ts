/** Chooses the moves of a player, and recognizes which of them it has seen. */
export interface Moves {
  readonly sent: number;
  readonly seen: number;
  next(now: number): { readonly x: number; readonly y: number };
  /**
   * Called when the room sent this player's position. @param ages receives the ages of the newly seen moves, in ms
   * @returns their number
   */
  saw(x: number, now: number, ages: number[]): number;
}

/** The number of values of x. All have three digits, so that all moves have the same length. */
const VALUES = 900;

/** Each move has the next value of x, so that x identifies the move. */
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
    // 0 is the start position.
    if (x < 100) return 0;
    const steps = (x - 100 - (this.seen % VALUES) + VALUES + 1) % VALUES;
    if (steps > this.sent - this.seen) return 0;
    for (let step = 0; step < steps; step++) ages.push(now - (this.#sentAt[this.seen++ % VALUES] as number));
    return steps;
  }
}

/** The longest step in one dimension. A step of 5 in both is 7 long. */
const STEP = 5;
/** The number of steps before a player turns. */
const STRAIGHT = 20;
/** The number of unseen moves to remember. A server that does not keep up loses the older ones. */
const MAX_WAITING = 200;

/** A walk over a square map. x changes with each step, so that x identifies the move. */
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

  /** A whole number from 0 to below a limit, the same ones in each run. https://en.wikipedia.org/wiki/Xorshift */
  #random(below: number): number {
    // Mix the seed first: neighbouring seeds would otherwise give neighbouring first numbers.
    let bits = Math.imul(this.#seed, 0x9e3779b1);
    bits ^= bits << 13;
    bits ^= bits >>> 17;
    bits ^= bits << 5;
    this.#seed = bits | 1;
    return (bits >>> 0) % below;
  }
}
