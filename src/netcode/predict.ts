import type { AnyRoom } from "../define/room.ts";
import type { SchemaInput, StandardSchema } from "../define/standard-schema.ts";
import type { StepContext } from "../define/inputs.ts";
import type { RoomClient, SyncEvent } from "../client/room-client.ts";
import type { ClientState } from "../client/types.ts";
import { linkOf } from "./link.ts";
import type { AnyClient, Link } from "./link.ts";
import { turn } from "./values.ts";

/** How many seconds of inputs may be unanswered, and at least how many inputs. A room keeps no more of them (P15.3). */
const WAITING = 2;
const LEAST_WAITING = 16;
/** If an answer is this much later than the round trip time, in ms, the input waits behind others in the room. */
const LATE = 150;
/** The delay, in ms, at which inputs are made at half the speed; and the lowest speed. */
const HALF = 1000;
const SLOWEST = 0.75;
/** How long a correction or a turn is smoothed, in ms. */
const SMOOTHED = 100;
/** The longest time between two frames that counts, in ms. After a longer pause the page was hidden. */
const LONGEST_FRAME = 250;

type Plain = Readonly<Record<string, unknown>>;
/** A change of number fields, by name. */
type Way = Readonly<Record<string, number>>;
type Numbered<R extends AnyRoom> = NonNullable<R["types"]>["numbered"];

/** The names of a room's inputs. */
export type InputName<R extends AnyRoom> = keyof Numbered<R> & string;
/** The value of an input. */
export type InputValue<R extends AnyRoom, K extends InputName<R>> = Numbered<R>[K] extends StandardSchema
  ? SchemaInput<Numbered<R>[K]>
  : unknown;

/** Rounds the values of a field as the room does: `quantized` and the other codecs have it. */
interface Rounding {
  readonly round: (value: unknown) => unknown;
}

/** The options of {@link predict}. E: the user's own entry, V: an input. */
export interface PredictOptions<R extends AnyRoom, K extends InputName<R>, E extends object> {
  /** The name of the input. */
  readonly input: K;
  /** The `step` of the input, the same function as in the room. */
  step(entry: E, input: InputValue<R, K>, context: StepContext<ClientState<R>>): Partial<E>;
  /**
   * Returns the user's current input, or undefined for none. {@link Prediction.frame} calls it once for each frame and
   * once for each input. `isSent` is true if the value is sent: then clear what should happen only once, such as a key
   * press.
   */
  readonly sample?: (isSent: boolean) => InputValue<R, K> | undefined;
  /** Finds the user's own entry. Default: the first collection of the state that has an entry of this user. */
  readonly entry?: (state: ClientState<R>, publicId: string) => E | undefined;
  /**
   * The codecs (`as` of `sync`) of fields that the step changes. Their values are rounded as in the room. Default:
   * none.
   */
  readonly codecs?: { readonly [F in keyof E]?: Rounding };
  /** Fields that are angles in radians. They are corrected the shorter way round. Default: none. */
  readonly angles?: readonly (keyof E)[];
  /** How long a correction, or a turn between two inputs, is smoothed on the screen, in ms. 0 for not at all. Default 100. */
  readonly smooth?: number;
  /** Returns true if a correction is shown at once, without smoothing. Default: never. */
  readonly teleports?: (from: E, to: E) => boolean;
}

/** The user's own entry, ahead of the room. E: the entry, V: an input. */
export interface Prediction<E, V> {
  /** The entry with all inputs applied, as the room will have it. Undefined if there is none. */
  readonly entry: E | undefined;
  /** The entry as the room sent it last, for example to draw a ghost. */
  readonly server: E | undefined;
  /** The number of inputs that the room has not answered. */
  readonly pending: number;
  /** How often the room's answer differed from the prediction. */
  readonly corrections: number;
  /**
   * Makes the inputs that are due, from `sample`, and returns the entry to draw.
   *
   * @param now the time of `requestAnimationFrame`. Default: `performance.now()`
   */
  frame(now?: number): E | undefined;
  /**
   * Makes an input: the entry moves at once. Without `sample`, call it `hz` times a second.
   *
   * @returns false if the input is ignored, before the first packet or since too many are unanswered
   */
  input(value: V): boolean;
  /** Returns the entry to draw, with corrections smoothed. */
  view(now?: number): E | undefined;
  /** Stops the prediction. */
  stop(): void;
}

interface Pending {
  readonly number: number;
  readonly value: unknown;
  readonly at: number;
}

/**
 * Shows the effect of the user's own inputs at once: the entry moves in the next frame, regardless of the round trip
 * time. With each packet the entry is reset to the value of the room, and the inputs that the room has not applied yet
 * are applied again. If the step is pure and reads the same state, the result is exactly what the room will have.
 * Corrections are smoothed in `frame` and `view`, not in `entry`. See
 * https://www.gabrielgambetta.com/client-side-prediction-server-reconciliation.html.
 *
 * @param game the client of {@link connectRoom}
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
  /** The time that is not covered by an input yet, in ms. */
  #left = 0;
  /** The part of the next input that the last frame showed: its time in ms, and how far it moved the entry. */
  #begun: { readonly ms: number; readonly way: Way } | undefined;
  #frameAt: number | undefined;
  /** The part of corrections that is still shown, by field, and since when. */
  #offsets: Way = {};
  #offsetsSince = 0;

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
    // The room applies one input per tick. Inputs that pile up there after an outage would never be worked off.
    const usual = (this.#link.clock.roundTrip ?? Infinity) + 2 * period + LATE;
    const late = Math.max(now - (this.#pending[0]?.at ?? now) - usual, 0);
    this.#left += Math.max(passed, 0) * Math.max(1 - late / HALF / 2, SLOWEST);
    for (; this.#left >= period; this.#left -= period) {
      const value = sample(true);
      this.#turn(value, now);
      if (value !== undefined && !this.#add(value, now)) this.#left = 0;
    }
    this.#send();
    const value = this.#canAdd ? sample(false) : undefined;
    this.#turn(value, now);
    this.#begun = { ms: this.#left, way: this.#partOf(value, this.#left) };
    const shown = this.view(now);
    // Part of an input, for the time since the last tick.
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
    for (const [name, offset] of Object.entries(this.#offsetsAt(now)))
      if (typeof shown[name] === "number") shown[name] += offset;
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

  /** Sends the unsent inputs in one frame. Without a connection they wait for the next call. */
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
    // It is unknown which inputs arrived over the previous connection. The room ignores those that it has already.
    this.#unsent = 0;
    this.#send();
  };

  /** Applies a step to an entry. As in the room, a step that throws changes nothing. */
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

  /** Counts and smooths a correction, so that the shown entry does not jump. */
  #correct(before: Plain | undefined, entry: Plain | undefined, now: number): void {
    if (!before || !entry) return void (this.#offsets = {});
    const way = this.#wayOf(entry, before);
    if (isNone(way)) return;
    this.corrections++;
    if (this.#options.teleports?.(before, entry)) this.#offsets = {};
    else this.#smooth(way, now);
  }

  /**
   * Frames show the part of an input that is over before the input is made. If the user turns in that time, the input
   * is another one than was shown. Smooths the difference.
   */
  #turn(value: unknown, now: number): void {
    if (!this.#begun) return;
    const { ms, way } = this.#begun;
    this.#begun = undefined;
    const difference = sum(way, this.#partOf(value, ms), -1);
    if (!isNone(difference)) this.#smooth(difference, now);
  }

  /** How far the first `ms` of an input move the entry. */
  #partOf(value: unknown, ms: number): Way {
    const { entry } = this;
    return entry && value !== undefined ? this.#wayOf(entry, this.#moved(entry, value, ms / 1000, false)) : {};
  }

  /** Starts to show the entry elsewhere, in addition to what is left of earlier offsets. */
  #smooth(way: Way, now: number): void {
    this.#offsets = sum(this.#offsetsAt(now), way);
    this.#offsetsSince = now;
  }

  #offsetsAt(now: number): Way {
    const { smooth = SMOOTHED } = this.#options;
    const part = smooth > 0 ? Math.max(1 - (now - this.#offsetsSince) / smooth, 0) : 0;
    return part > 0 ? sum({}, this.#offsets, part ** 2) : {};
  }

  /** The difference of two entries, for each field that is a number in both. */
  #wayOf(from: Plain, to: Plain): Way {
    const way: Record<string, number> = {};
    for (const [name, start] of Object.entries(from)) {
      const end = to[name];
      if (typeof start !== "number" || typeof end !== "number") continue;
      way[name] = this.#options.angles?.includes(name) ? turn(start, end) : end - start;
    }
    return way;
  }
}

function sum(a: Way, b: Way, factor = 1): Way {
  const all: Record<string, number> = { ...a };
  for (const [name, by] of Object.entries(b)) all[name] = (all[name] ?? 0) + by * factor;
  return all;
}

function isNone(way: Way): boolean {
  return Object.values(way).every((by) => by === 0);
}

/** Finds the user's entry in the first collection that has one. */
function ownEntry(state: unknown, publicId: string): Plain | undefined {
  for (const collection of Object.values(state as Plain)) {
    if (typeof collection !== "object" || collection === null || !Object.hasOwn(collection, publicId)) continue;
    const entry = (collection as Plain)[publicId];
    if (typeof entry === "object" && entry !== null) return entry as Plain;
  }
  return undefined;
}
