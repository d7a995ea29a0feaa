import type { AnyRoom } from "../define/room.ts";
import type { SchemaInput, StandardSchema } from "../define/standard-schema.ts";
import type { StepContext } from "../define/inputs.ts";
import type { RoomClient, SyncEvent } from "../client/room-client.ts";
import type { ClientState } from "../client/types.ts";
import { linkOf } from "./link.ts";
import type { AnyClient, Link } from "./link.ts";
import { turn } from "./values.ts";

/** So many seconds of inputs may be unanswered, and at least so many inputs: a room keeps no more of them (P15.3). */
const WAITING = 2;
const LEAST_WAITING = 16;
/** An input that is answered so much later than it takes to the room and back waits there behind others, in ms. */
const LATE = 150;
/** How much later one is for which inputs are made at half the speed, in ms; and the least speed. */
const HALF = 1000;
const SLOWEST = 0.75;
/** How long a correction is smoothed, in ms. */
const SMOOTHED = 100;
/** After a longer pause, in ms, time does not count: the page was hidden. */
const LONGEST_FRAME = 250;

type Plain = Readonly<Record<string, unknown>>;
type Numbered<R extends AnyRoom> = NonNullable<R["types"]>["numbered"];

/** The names of a room's inputs. */
export type InputName<R extends AnyRoom> = keyof Numbered<R> & string;
/** What an input takes. */
export type InputValue<R extends AnyRoom, K extends InputName<R>> = Numbered<R>[K] extends StandardSchema
  ? SchemaInput<Numbered<R>[K]>
  : unknown;

/** Rounds the values of a field as the room does: what `quantized` and the like return. */
interface Rounding {
  readonly round: (value: unknown) => unknown;
}

/** What {@link predict} takes. E: the own entry, V: an input. */
export interface PredictOptions<R extends AnyRoom, K extends InputName<R>, E extends object> {
  /** The name of the input. */
  readonly input: K;
  /** The same function that the room has. */
  step(entry: E, input: InputValue<R, K>, context: StepContext<ClientState<R>>): Partial<E>;
  /**
   * What the user wants now, which {@link Prediction.frame} asks for: once for each frame, and for each input. Undefined for
   * nothing, then no input is sent. `isSent`: this value is sent, so what was pressed once is done.
   */
  readonly sample?: (isSent: boolean) => InputValue<R, K> | undefined;
  /** Finds the own entry. Default: the first collection of the state that has an entry of this user. */
  readonly entry?: (state: ClientState<R>, publicId: string) => E | undefined;
  /** The codecs of fields (`as` of `sync`) that the step sets: their values are rounded here as in the room. */
  readonly codecs?: { readonly [F in keyof E]?: Rounding };
  /** Fields that are angles in radians, whose corrections go by the shorter side. */
  readonly angles?: readonly (keyof E)[];
  /** How long a correction is smoothed on the screen, in ms. Default 100; 0 for never. */
  readonly smooth?: number;
  /** Whether a correction is shown at once. Default: never. */
  readonly teleports?: (from: E, to: E) => boolean;
}

/** The own entry, ahead of the room. E: the entry, V: an input. */
export interface Prediction<E, V> {
  /** With all inputs, exactly as the room will have it; undefined where there is none. */
  readonly entry: E | undefined;
  /** As the room sent it last: for a ghost. */
  readonly server: E | undefined;
  /** How many inputs the room has not answered. */
  readonly pending: number;
  /** How often an answer differed from what was predicted. */
  readonly corrections: number;
  /**
   * Makes the inputs that are due, by `sample`, and gives what to draw.
   * @param now of `performance.now()` or `requestAnimationFrame`
   */
  frame(now?: number): E | undefined;
  /**
   * Makes an input: the entry moves at once. Without `sample`, call it `hz` times a second.
   * @returns false where it is not taken, since too many are unanswered, or before the first packet
   */
  input(value: V): boolean;
  /** What to draw: the entry, with corrections smoothed. */
  view(now?: number): E | undefined;
  /** Predicts nothing any more. */
  stop(): void;
}

interface Pending {
  readonly number: number;
  readonly value: unknown;
  readonly at: number;
}

/**
 * Shows at once what the own inputs do: the entry moves in the next frame, at any round trip. With each packet it is set to
 * what the room has, and the inputs that are not in it are applied again. So it is exactly what the room will have, where
 * the step is pure, and the state that it reads is the same. Corrections are smoothed on the screen, and never in `entry`.
 * See https://www.gabrielgambetta.com/client-side-prediction-server-reconciliation.html.
 *
 * @example
 * import { predict } from "durable-rooms/netcode";
 * const me = predict(game, { input: "steer", step, sample: () => ({ x: keys.x }) });
 * const draw = (now: number) => {
 *   const player = me.frame(now);
 *   if (player) drawPlayer("me", player.x);
 *   requestAnimationFrame(draw);
 * };
 */
export function predict<R extends AnyRoom, K extends InputName<R>, E extends object>(
  game: RoomClient<R>,
  options: PredictOptions<R, K, E>,
): Prediction<E, InputValue<R, K>> {
  return new Predictor(game, options as unknown as AnyOptions) as never;
}

interface AnyOptions {
  readonly input: string;
  step(entry: Plain, input: unknown, context: StepContext): Plain;
  readonly sample?: (isSent: boolean) => unknown;
  readonly entry?: (state: unknown, publicId: string) => Plain | undefined;
  readonly codecs?: Readonly<Record<string, Rounding>>;
  readonly angles?: readonly string[];
  readonly smooth?: number;
  readonly teleports?: (from: Plain, to: Plain) => boolean;
}

class Predictor {
  entry: Plain | undefined;
  server: Plain | undefined;
  corrections = 0;
  readonly #game: AnyClient;
  readonly #options: AnyOptions;
  readonly #link: Link;
  #pending: Pending[] = [];
  /** The number of the first input that was not sent yet. */
  #unsent = 0;
  /** The time that no input stands for yet, in ms. */
  #left = 0;
  #frameAt: number | undefined;
  /** What is still shown of corrections, by field, and when that was. */
  #offsets: Record<string, number> = {};
  #offsetsAt = 0;

  constructor(game: AnyClient, options: AnyOptions) {
    this.#game = game;
    this.#options = options;
    this.#link = linkOf(game);
    this.#link.listeners.add(this.#take);
    if (this.#link.last) this.#take(this.#link.last, performance.now());
  }

  get pending(): number {
    return this.#pending.length;
  }

  frame(now = performance.now()): Plain | undefined {
    const { sample } = this.#options;
    const { hz } = this.#link.clock;
    if (!sample || !hz) return this.view(now);
    const passed = Math.min(now - (this.#frameAt ?? now), LONGEST_FRAME);
    this.#frameAt = now;
    const period = 1000 / hz;
    // The room applies one for each tick: those that wait there after an outage would wait for ever.
    const usual = (this.#link.clock.roundTrip ?? Infinity) + 2 * period + LATE;
    const late = Math.max(now - (this.#pending[0]?.at ?? now) - usual, 0);
    this.#left += Math.max(passed, 0) * Math.max(1 - late / HALF / 2, SLOWEST);
    for (; this.#left >= period; this.#left -= period) {
      const value = sample(true);
      if (value !== undefined && !this.#add(value, now)) this.#left = 0;
    }
    this.#send();
    const shown = this.view(now);
    const value = shown && this.#canAdd ? sample(false) : undefined;
    // What it does before the next tick, as far as that is gone.
    return shown && value !== undefined ? this.#moved(shown, value, this.#left / 1000, false) : shown;
  }

  input(value: unknown): boolean {
    const isTaken = this.#add(value, performance.now());
    this.#send();
    return isTaken;
  }

  view(now = performance.now()): Plain | undefined {
    if (!this.entry) return undefined;
    const shown: Record<string, unknown> = { ...this.entry };
    const { smooth = SMOOTHED } = this.#options;
    const part = Math.max(1 - (now - this.#offsetsAt) / smooth, 0);
    if (smooth > 0 && part > 0)
      for (const [name, offset] of Object.entries(this.#offsets)) (shown[name] as number) += offset * part ** 2;
    return shown;
  }

  stop(): void {
    this.#link.listeners.delete(this.#take);
  }

  get #canAdd(): boolean {
    const { hz = 0 } = this.#link.clock;
    return (
      hz > 0 && this.entry !== undefined && this.#pending.length < Math.max(LEAST_WAITING, Math.ceil(WAITING * hz))
    );
  }

  #add(value: unknown, now: number): boolean {
    if (!this.#canAdd) return false;
    this.#pending.push({ number: this.#link.next++, value, at: now });
    this.entry = this.#moved(this.entry as Plain, value);
    return true;
  }

  /** Sends what was not sent, in one frame. Without a connection it waits for the next. */
  #send(): void {
    const unsent = this.#pending.filter(({ number }) => number >= this.#unsent);
    if (unsent.length === 0) return;
    const { clock } = this.#link;
    const seen = clock.shown ?? clock.tick;
    if (this.#game.sendInputs(this.#options.input, unsent, seen)) this.#unsent = (unsent.at(-1) as Pending).number + 1;
  }

  readonly #take = ({ input, isFirst, state }: SyncEvent, now: number): void => {
    if (input !== undefined) {
      this.#pending = this.#pending.filter(({ number }) => number > input);
    }
    const { publicId } = this.#game;
    this.server = publicId === undefined ? undefined : (this.#options.entry ?? ownEntry)(state, publicId);
    const before = this.entry;
    this.entry = this.#pending.reduce((entry, { value }) => entry && this.#moved(entry, value), this.server);
    this.#correct(before, this.entry, now);
    if (!isFirst) return;
    // Nobody knows what arrived over the connection before. The room does nothing twice.
    this.#unsent = 0;
    this.#send();
  };

  /** What a step makes of an entry. As in the room, one that throws changes nothing. */
  #moved(entry: Plain, value: unknown, dt = 1 / (this.#link.clock.hz ?? 1), isExact = true): Plain {
    const { codecs } = this.#options;
    const moved: Record<string, unknown> = { ...entry };
    try {
      for (const [name, next] of Object.entries(
        this.#options.step(entry, value, { dt, state: this.#link.last?.state }),
      )) {
        const rounded = isExact ? (codecs?.[name]?.round(next) ?? next) : next;
        // JSON has no -0.
        moved[name] = typeof rounded === "number" ? rounded + 0 : rounded;
      }
      return moved;
    } catch {
      return entry;
    }
  }

  /** What is shown does not jump: it goes to the corrected entry in a moment. */
  #correct(before: Plain | undefined, entry: Plain | undefined, now: number): void {
    if (!before || !entry) return void (this.#offsets = {});
    const fields = Object.keys(entry).filter(
      (name) => typeof entry[name] === "number" && typeof before[name] === "number",
    );
    if (fields.every((name) => entry[name] === before[name])) return;
    this.corrections++;
    const shown = this.#options.teleports?.(before, entry) ? entry : this.#viewOf(before, now);
    const wayOf = (name: string, from: number, to: number) =>
      this.#options.angles?.includes(name) ? turn(from, to) : to - from;
    this.#offsets = Object.fromEntries(
      fields.map((name) => [name, wayOf(name, entry[name] as number, shown[name] as number)]),
    );
    this.#offsetsAt = now;
  }

  #viewOf(entry: Plain, now: number): Plain {
    const present = this.entry;
    this.entry = entry;
    const view = this.view(now) as Plain;
    this.entry = present;
    return view;
  }
}

/** The entry of a user in the first collection that has one. */
function ownEntry(state: unknown, publicId: string): Plain | undefined {
  for (const collection of Object.values(state as Plain)) {
    if (typeof collection !== "object" || collection === null || !Object.hasOwn(collection, publicId)) continue;
    const entry = (collection as Plain)[publicId];
    if (typeof entry === "object" && entry !== null) return entry as Plain;
  }
  return undefined;
}
