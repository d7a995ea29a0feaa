import type { AnyRoom } from "../define/room.ts";
import type { RoomClient, SyncEvent } from "../client/room-client.ts";
import type { ClientState } from "../client/types.ts";
import { linkOf } from "./link.ts";
import type { AnyClient, Link } from "./link.ts";
import { number } from "./values.ts";
import type { Blend } from "./values.ts";

/** How many values of one entry are kept. */
const MOST_KEPT = 64;
/** How long a movement continues without new values, in ms. */
const EXTRAPOLATED = 100;

/** The options of {@link interpolate}. E: an entry. */
export interface InterpolateOptions<E> {
  /**
   * How far behind the newest packets entries are shown, in ms. `"auto"` adapts to the jitter of the connection.
   * Default `"auto"`.
   */
  readonly delay?: "auto" | number;
  /**
   * The fields to interpolate, each with a function that computes a value between two others: `number`, `angle`,
   * `vector` or your own. All other fields change at their tick. Default: every field that is a number, which is wrong
   * for a score, for example.
   */
  readonly fields?: { readonly [K in keyof E]?: (from: E[K] & {}, to: E[K] & {}, part: number) => unknown };
  /** Returns true if an entry jumps from one value to the next without interpolation. Default: never. */
  readonly teleports?: (from: E, to: E) => boolean;
  /** How long a movement continues without new values, in ms. Default 100. */
  readonly extrapolate?: number;
}

/** The entries of a collection at the time at which they are shown. */
export interface Interpolation<E> {
  /** Returns the entries to draw now. @param now the time of `requestAnimationFrame`. Default: `performance.now()` */
  at(now?: number): Readonly<Record<string, E>>;
  /** Stops it, and drops all stored values. */
  stop(): void;
}

/** The value of an entry at a tick. Undefined if the entry did not exist. */
interface Sample<E> {
  readonly tick: number;
  readonly value: E | undefined;
}

/**
 * Shows the entries of a collection slightly in the past, between two known ticks, so that they move smoothly even if
 * packets arrive unevenly. The delay adapts to the jitter of the connection. An entry appears and disappears at its
 * tick. See https://www.gabrielgambetta.com/entity-interpolation.html and
 * https://developer.valvesoftware.com/wiki/Source_Multiplayer_Networking.
 *
 * The room needs a `tick`. Without one the entries are shown as they are.
 *
 * @param game the client of {@link connectRoom}
 * @param select returns the collection
 * @example
 * import { interpolate, number } from "durable-rooms/netcode";
 * const others = interpolate(game, (state) => state.players, { fields: { x: number } });
 * const draw = (now: number) => {
 *   for (const [id, { x }] of Object.entries(others.at(now))) drawPlayer(id, x);
 *   requestAnimationFrame(draw);
 * };
 */
export function interpolate<R extends AnyRoom, E extends object>(
  game: RoomClient<R>,
  select: (state: ClientState<R>) => Readonly<Record<string, E>> | undefined,
  options: InterpolateOptions<E> = {},
): Interpolation<E> {
  return new Timeline(game, select as Select<E>, options);
}

type Select<E> = (state: unknown) => Readonly<Record<string, E>> | undefined;

class Timeline<E extends object> implements Interpolation<E> {
  readonly #game: AnyClient;
  readonly #select: Select<E>;
  readonly #options: InterpolateOptions<E>;
  readonly #link: Link;
  #entries = new Map<string, Sample<E>[]>();
  /**
   * The tick of the last packet, and the number of ticks between two packets while something changes.
   * @@// // Another life of the room A room that lost its memory may count from another tick: the history ends there.
   * @@// // Parts that did not change Unchanged parts keep their identity.
   */
  #tick = 0;
  #gap = 1;

  constructor(game: AnyClient, select: Select<E>, options: InterpolateOptions<E>) {
    this.#game = game;
    this.#select = select;
    this.#options = options;
    this.#link = linkOf(game);
    this.#link.listeners.add(this.#take);
    if (this.#link.last) this.#take(this.#link.last);
  }

  at(now = performance.now()): Readonly<Record<string, E>> {
    const { delay } = this.#options;
    const { clock } = this.#link;
    if (!clock.hz) return this.#present(this.#game.state);
    const tick = clock.show(now, delay === "auto" ? undefined : delay);
    const shown: Record<string, E> = {};
    for (const [key, samples] of this.#entries) {
      const value = this.#valueAt(samples, tick);
      if (value) shown[key] = value;
      else if (samples.length === 0) this.#entries.delete(key);
    }
    return shown;
  }

  stop(): void {
    this.#link.listeners.delete(this.#take);
    this.#entries.clear();
  }

  #present(state: unknown): Readonly<Record<string, E>> {
    // Before the first packet there is nothing to select from.
    return (this.#game.publicId !== undefined && this.#select(state)) || {};
  }

  readonly #take = ({ tick, isFirst, state }: SyncEvent): void => {
    if (tick === undefined) return;
    // Another life of the room counts from elsewhere: what is shown ends there.
    if (isFirst && (tick < this.#tick || tick > this.#tick + MOST_KEPT * 4)) this.#entries.clear();
    if (tick > this.#tick) this.#gap = Math.min(tick - this.#tick, 2 * this.#gap);
    const present = this.#present(state);
    for (const [key, value] of Object.entries(present)) this.#note(key, tick, value);
    for (const key of this.#entries.keys()) if (!Object.hasOwn(present, key)) this.#note(key, tick, undefined);
    this.#tick = tick;
  };

  #note(key: string, tick: number, value: E | undefined): void {
    let samples = this.#entries.get(key);
    if (!samples) this.#entries.set(key, (samples = []));
    const last = samples.at(-1);
    // Parts that did not change keep their identity.
    if (last && last.value === value) return;
    if (last?.tick === tick) samples.pop();
    else if (last && this.#stoodStill(samples, last, tick)) samples.push({ tick: tick - this.#gap, value: last.value });
    samples.push({ tick, value });
    if (samples.length > MOST_KEPT) samples.shift();
  }

  /**
   * Whether an entry did not change for longer than usual. Its movement then begins only now.
   * @@// // What is over is not shown Older values are not shown again. One value before the shown tick is enough, and
   * one more gives the movement.
   * @@// // Where a later packet says A later packet does not mention the entry, so it stands still.
   */
  #stoodStill(samples: readonly Sample<E>[], last: Sample<E>, tick: number): boolean {
    const before = samples.at(-2)?.tick ?? -Infinity;
    return tick - last.tick > Math.max(this.#gap, 2 * (last.tick - before));
  }

  #valueAt(samples: Sample<E>[], tick: number): E | undefined {
    // What is over is not shown again: one value before the shown tick is enough, and one more to know the movement.
    while (samples.length > 2 && (samples[2] as Sample<E>).tick <= tick) samples.shift();
    if (samples.length > 1 && (samples[1] as Sample<E>).tick <= tick && samples[1]?.value === undefined)
      samples.splice(0, 2);
    const next = samples.findIndex((sample) => sample.tick > tick);
    const from = samples.at(next < 0 ? -1 : next - 1);
    if (next === 0 || from?.value === undefined) return undefined;
    const to = samples[next];
    if (to) return this.#between(from, to, tick);
    const before = samples.at(-2);
    // Where a later packet says nothing of it, it stands still.
    if (!before || tick <= from.tick || this.#tick > from.tick) return from.value;
    const longest = ((this.#options.extrapolate ?? EXTRAPOLATED) * (this.#link.clock.hz ?? 0)) / 1000;
    return this.#between(before, from, Math.min(tick, from.tick + longest));
  }

  #between(from: Sample<E>, to: Sample<E>, tick: number): E | undefined {
    const { teleports, fields } = this.#options;
    const part = (tick - from.tick) / (to.tick - from.tick);
    const start = part > 1 ? to.value : from.value;
    if (!from.value || !to.value || teleports?.(from.value, to.value)) return start;
    const blended = { ...start } as Record<string, unknown>;
    for (const [name, value] of Object.entries(from.value)) {
      const blend = fields ? (fields[name as keyof E] as Blend | undefined) : numeric(value);
      const other = to.value[name as keyof E];
      if (blend && value != null && other != null) blended[name] = blend(value as never, other as never, part);
    }
    return blended as E;
  }
}

function numeric(value: unknown): Blend | undefined {
  return typeof value === "number" ? number : undefined;
}
