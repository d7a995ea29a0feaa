import type { ActionContext, Input } from "../../define/types.ts";
import type { ActionMessage } from "../../protocol/decode.ts";
import { RoomError } from "../../protocol/errors.ts";
import { promiseOf } from "../../protocol/values.ts";
import type { Plain } from "../../protocol/values.ts";
import { StateViews, viewOfEntry } from "../../state/entry-view.ts";
import type { Group } from "../../state/group.ts";
import type { Tree } from "../../state/tree.ts";
import type { RoomConnection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import type { Reporter } from "../handlers/reporter.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";

/** How much longer ago than usual a client may have seen what it tells, in seconds; and the longest time at all. */
const SEEN_LATER = 0.1;
const LONGEST_SEEN = 1;
/** Of so many inputs it is known how long ago their client saw what it told. */
const LAGS = 32;
/** How long a user may be silent, and make up for it at once, in seconds. */
const MADE_UP = 0.25;
/** The inputs of so many seconds wait at most, and at least so many inputs. */
const WAITING = 2;
const LEAST_WAITING = 16;

/** What inputs need of the room. */
export interface InputsScope {
  readonly tree: Tree;
  readonly connections: Connections;
  readonly sessions: Sessions;
  readonly reporter: Reporter;
  readonly broadcast: { schedule(): void };
}

/** An input that waits for its tick. */
interface Waiting {
  readonly name: string;
  readonly number: number;
  readonly input: Input<object, unknown>;
  readonly value: unknown;
  readonly context: ActionContext<object>;
  readonly seen: number;
}

/** The inputs of one user. */
interface Stream {
  readonly queue: Waiting[];
  /** The number of the last input that came. */
  last: number;
  /** Up to which tick the user has moved. */
  movedTo: number;
  /** How long ago clients saw what they told with the last inputs, in ticks: their round trip, and the delay that they show others with. */
  readonly lags: number[];
}

/**
 * Takes the numbered inputs of clients, and applies them in ticks: in the order of their numbers, and no more of one kind
 * than there are ticks. Who was silent for a moment may make up for that at once, so that a connection whose packets come
 * in bursts costs no more delay than they do. Others keep a buffer of inputs instead, and have clients run faster or
 * slower to fill it (Overwatch: https://www.gdcvault.com/play/1024001); over a connection without loss the delay of that
 * would help nobody.
 */
export class Inputs {
  readonly #scope: InputsScope;
  readonly #hz: number;
  readonly #streams = new WeakMap<Session, Stream>();
  readonly #waiting = new Map<Session, Stream>();
  /** The number of the last tick. */
  #tick = 0;
  readonly #views: StateViews;

  constructor(scope: InputsScope, hz: number) {
    if (!scope.tree.users)
      throw new Error("A room with inputs needs a users field: a step moves the entry of its user");
    this.#scope = scope;
    this.#hz = hz;
    this.#views = new StateViews(scope.tree.root);
  }

  /** The number of the last input of a client's user that was applied. */
  lastOf({ sessionId }: RoomConnection): number | undefined {
    return this.#scope.sessions.find(sessionId)?.input;
  }

  /**
   * Takes an input. One that came before, or before a later one, is ignored.
   * @throws RoomError `bad_message` if it has no number
   */
  take(context: ActionContext<object>, input: Input<object, unknown>, message: ActionMessage, value: unknown): void {
    const { action: name, input: number, seen } = message;
    if (!Number.isSafeInteger(number) || (number as number) < 1)
      throw new RoomError("bad_message", "An input needs a number from 1 on, in its property input");
    const session = this.#scope.sessions.find(context.conn.sessionId);
    if (!session) return;
    const stream = this.#streamOf(session);
    if ((number as number) <= stream.last) return;
    stream.last = number as number;
    const told = this.#seenBy(stream, seen);
    stream.queue.push({ name, number: number as number, input, value, context, seen: told });
    if (stream.queue.length > Math.max(LEAST_WAITING, Math.ceil(WAITING * this.#hz))) stream.queue.shift();
    this.#waiting.set(session, stream);
  }

  /** Applies what waits, as far as the time of each user goes. */
  apply(tick: number): void {
    this.#tick = tick;
    for (const [session, stream] of this.#waiting) {
      const least = tick - Math.ceil(MADE_UP * this.#hz);
      stream.movedTo = Math.max(stream.movedTo, least);
      for (; stream.movedTo < tick && stream.queue.length > 0; stream.movedTo++) {
        for (const waiting of takeTick(stream.queue)) this.#step(session, waiting, tick);
      }
      this.#tell(session);
      if (stream.queue.length === 0) this.#waiting.delete(session);
    }
    if (this.#scope.connections.answered.size > 0) this.#scope.broadcast.schedule();
  }

  /**
   * The tick that a client saw, as far as that can be: not later than now, and not much longer ago than the least of what
   * it told with its last inputs, which is its round trip and its delay. So who pretends to see an older world for one shot
   * does not.
   */
  #seenBy({ lags }: Stream, seen: unknown): number {
    const lag = typeof seen === "number" ? Math.min(Math.max(this.#tick - seen, 0), LONGEST_SEEN * this.#hz) : 0;
    lags.push(lag);
    if (lags.length > LAGS) lags.shift();
    return this.#tick - Math.min(lag, Math.min(...lags) + SEEN_LATER * this.#hz);
  }

  #streamOf(session: Session): Stream {
    let stream = this.#streams.get(session);
    if (!stream) this.#streams.set(session, (stream = { queue: [], last: session.input ?? 0, movedTo: 0, lags: [] }));
    return stream;
  }

  #step(session: Session, { input, number, value, context, seen }: Waiting, tick: number): void {
    const { tree, reporter } = this.#scope;
    const { conn } = context;
    session.input = number;
    const entry = tree.users?.get(session.publicId);
    if (!entry) return;
    void reporter.hook(
      "input",
      () => {
        const viewer = tree.viewerOf(conn as RoomConnection);
        const sees = (audience: Parameters<Tree["sees"]>[1]) => tree.sees(viewer, audience);
        const views = this.#views;
        const given = {
          dt: 1 / this.#hz,
          get state() {
            return views.of(sees);
          },
        };
        const view = viewOfEntry(tree.entries.get(entry) as Group, sees);
        set(entry as Plain, input.step(view, value, given));
        // Whoever is told of what it throws is told of what it rejects with.
        return input.run?.({ ...context, user: entry as never, tick, seen }, value);
      },
      conn as RoomConnection,
    );
  }

  /** The user's clients are to be told. The number is stored with what the inputs did. */
  #tell(session: Session): void {
    const { connections, tree } = this.#scope;
    if (!tree.rows.isClean) session.row.changed(true);
    const { input } = session;
    if (input === undefined) return;
    for (const conn of connections.of(session.publicId))
      if (conn.protocol !== 1 && !conn.isIntercepted) connections.answered.set(conn, input);
  }
}

/** Takes the inputs of one tick: the first ones, as long as they are of different kinds. */
function takeTick(queue: Waiting[]): Waiting[] {
  const again = queue.findIndex(({ name }, index) => queue.findIndex((other) => other.name === name) < index);
  return queue.splice(0, again < 0 ? queue.length : again);
}

/** A field of an entry that can be set. */
interface Settable {
  (): unknown;
  set(value: unknown): void;
}

/** Sets fields of an entry: all of them, or none if one cannot have its value. */
function set(entry: Plain, values: Readonly<Plain>): void {
  const pending = promiseOf<unknown>(values);
  pending?.catch(() => {});
  if (pending) throw new Error("A step cannot be async: it returns the fields that change");
  const before: [field: Settable, value: unknown][] = [];
  try {
    for (const [name, value] of Object.entries(values)) {
      const field = fieldOf(entry, name);
      before.push([field, field()]);
      // JSON has no -0.
      field.set(typeof value === "number" ? value + 0 : value);
    }
  } catch (error) {
    for (const [field, value] of before) field.set(value);
    throw error;
  }
}

/** @throws Error if there is no such field */
function fieldOf(entry: Plain, name: string): Settable {
  const field = Object.hasOwn(entry, name) ? (entry[name] as Partial<Settable> | undefined) : undefined;
  if (typeof field?.set === "function") return field as Settable;
  throw new Error(`A step returned "${name}", which is not a writable field of the entry`);
}
