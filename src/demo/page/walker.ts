import type { Tile } from "../rules.ts";
import type { Game } from "./connection.ts";
import { byId } from "./dom.ts";
import { tileAt } from "./field.ts";

/** Time between two steps in ms; style.css moves players for as long. */
const BEAT = 120;

const KEYS: Readonly<Record<string, readonly [dx: number, dy: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  KeyA: [-1, 0],
  KeyD: [1, 0],
  KeyW: [0, -1],
  KeyS: [0, 1],
};

/** Walks with the keyboard while keys are held, or to the tile that was clicked. */
export class Walker {
  readonly #game: () => Game | undefined;
  readonly #held = new Set<string>();
  /** Keys that were pressed since the last step: a short tap is a step too. */
  readonly #tapped = new Set<string>();
  #target: Tile | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(game: () => Game | undefined) {
    this.#game = game;
    window.addEventListener("keydown", (event) => this.#press(event));
    window.addEventListener("keyup", ({ code }) => this.#held.delete(code));
    window.addEventListener("blur", () => this.stop());
    byId("field").addEventListener("pointerdown", (event) => this.#point(event));
  }

  stop(): void {
    this.#held.clear();
    this.#tapped.clear();
    this.#target = undefined;
  }

  #press(event: KeyboardEvent): void {
    const { code, target } = event;
    if (!KEYS[code] || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target instanceof HTMLInputElement || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    if (event.repeat) return;
    this.#held.add(code);
    this.#tapped.add(code);
    this.#target = undefined;
    this.#go();
  }

  #point(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.#target = tileAt(event.clientX, event.clientY);
    this.#go();
  }

  #go(): void {
    if (this.#timer === undefined) this.#beat();
  }

  #beat(): void {
    this.#timer = undefined;
    const game = this.#game();
    const me = game?.view?.me;
    if (!game?.isOnline || !me) return this.stop();
    const [dx, dy] = this.#direction(me);
    this.#tapped.clear();
    if (dx === 0 && dy === 0) {
      this.#target = undefined;
      return;
    }
    game.move(dx, dy);
    this.#timer = setTimeout(() => this.#beat(), BEAT);
  }

  #direction(at: Tile): [dx: number, dy: number] {
    if (this.#target) return [Math.sign(this.#target.x - at.x), Math.sign(this.#target.y - at.y)];
    let [x, y] = [0, 0];
    for (const code of new Set([...this.#held, ...this.#tapped])) {
      const [dx, dy] = KEYS[code] ?? [0, 0];
      x += dx;
      y += dy;
    }
    return [Math.sign(x), Math.sign(y)];
  }
}
