import type { Board } from "./app";
import { MOST_POINTS } from "../src/board";

interface Position {
  readonly x: number;
  readonly y: number;
}

/** The least time between two messages, however often the pointer moves. ms */
const SPACING = 40;

/** Turns pointer events into about 25 messages per second, each with all points since the last one. */
export class Pen {
  readonly #board: Board;
  /** The keys of this user's strokes. Undo removes the last one first. */
  readonly #strokes: string[] = [];
  #key: string | undefined;
  #sent = 0;
  #points: number[] = [];
  #last: Position | undefined;
  #cursor: Position | null | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(board: Board) {
    this.#board = board;
  }

  down(position: Position): void {
    this.#begin();
    this.#add(position);
  }

  move(positions: readonly Position[]): void {
    this.#cursor = positions.at(-1);
    if (this.#key) for (const position of positions) this.#add(position);
    this.#timer ??= setTimeout(() => this.#flush(), SPACING);
  }

  up(): void {
    this.#flush();
    this.#key = undefined;
  }

  leave(): void {
    this.#cursor = null;
    this.#flush();
  }

  undo(): void {
    const key = this.#strokes.pop();
    if (key) this.#board.emit("undo", key);
  }

  #begin(): void {
    // The alphabetical order of the keys is the order in which strokes are drawn.
    this.#key = Date.now().toString(36).padStart(9, "0") + Math.random().toString(36).slice(2, 10);
    this.#strokes.push(this.#key);
    this.#sent = 0;
  }

  #add({ x, y }: Position): void {
    if (this.#last?.x === x && this.#last.y === y && this.#points.length > 0) return;
    this.#last = { x, y };
    this.#points.push(x, y);
    if (this.#points.length >= 200) this.#flush();
    if (this.#sent + this.#points.length < 2 * MOST_POINTS) return;
    this.#flush();
    this.#begin();
    this.#points.push(x, y);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#key && this.#points.length > 0) this.#board.emit("draw", { key: this.#key, points: this.#points });
    this.#sent += this.#points.length;
    this.#points = [];
    if (this.#cursor !== undefined) this.#board.emit("point", this.#cursor);
    this.#cursor = undefined;
  }
}
