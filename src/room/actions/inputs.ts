import type { ActionContext, Input } from "../../define/types.ts";
import type { ActionMessage } from "../../protocol/decode.ts";
import { RoomError } from "../../protocol/errors.ts";
import type { Group } from "../../state/group.ts";
import { Steps } from "../../state/steps.ts";
import type { Tree } from "../../state/tree.ts";
import type { RoomConnection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import type { Reporter } from "../handlers/reporter.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";

/** How much older than usual the seen tick of a client may be, and how old at most, in seconds. */
const SEEN_LATER = 0.1;
const LONGEST_SEEN = 1;
/** The number of inputs for which the age of the seen tick is remembered. */
const LAGS = 32;
/** How long a user may send no inputs and catch up at once, in seconds. */
const MADE_UP = 0.25;
/** The maximum number of waiting inputs: in seconds, and at least this many. */
const WAITING = 2;
const LEAST_WAITING = 16;

/** The parts of the room that inputs need. */
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
  /** The number of the last input that was received. */
  last: number;
  /** The tick up to which the user has moved. */
  movedTo: number;
  /** The ages of the seen ticks of the last inputs, in ticks: the round trip plus the display delay. */
  readonly lags: number[];
}

/**
 * Takes the numbered inputs of clients, and applies them in ticks: in the order of their numbers, and at most one of
 * each kind per tick. A user who sent nothing for a moment may catch up at once, so that bursts of packets do not add a
 * delay. Other engines keep a buffer of inputs, and make clients run faster or slower to fill it (Overwatch:
 * https://www.gdcvault.com/play/1024001). Over a connection without loss, that delay would have no benefit.
 */
export class Inputs {
  readonly #scope: InputsScope;
  readonly #hz: number;
  readonly #streams = new WeakMap<Session, Stream>();
  readonly #waiting = new Map<Session, Stream>();
  /** The number of the last tick. */
  #tick = 0;
  readonly #steps: Steps;

  constructor(scope: InputsScope, hz: number) {
    this.#scope = scope;
    this.#hz = hz;
    this.#steps = new Steps(scope.tree.root, hz);
  }

  /** The number of the last applied input of a client's user. */
  lastOf({ sessionId }: RoomConnection): number | undefined {
    return this.#scope.sessions.find(sessionId)?.input;
  }

  /**
   * Takes an input. Repeated inputs and inputs out of order are ignored.
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

  /** Applies waiting inputs, up to the present tick of each user. */
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
   * The tick that a client saw, limited to what is possible: not in the future, and not much older than the lowest age
   * of its last inputs, which is its round trip plus its display delay. So a client cannot pretend to have seen an
   * older world for one shot.
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
        this.#steps.run(
          tree.entries.get(entry) as Group,
          (audience) => tree.sees(viewer, audience),
          (view, given) => input.step(view, value, given),
        );
        // A rejection is reported like a thrown error.
        return input.run?.({ ...context, user: entry as never, tick, seen }, value);
      },
      conn as RoomConnection,
    );
  }

  /** The user's clients get the number of the last input. It is stored with the effect of the inputs. */
  #tell(session: Session): void {
    const { connections, tree } = this.#scope;
    if (!tree.rows.isClean) session.row.changed(true);
    const { input } = session;
    if (input === undefined) return;
    for (const conn of connections.of(session.publicId))
      if (conn.protocol !== 1 && !conn.isIntercepted) connections.answered.set(conn, input);
  }
}

/** Takes the inputs of one tick: the first ones, while they are of different kinds. */
function takeTick(queue: Waiting[]): Waiting[] {
  const again = queue.findIndex(({ name }, index) => queue.findIndex((other) => other.name === name) < index);
  return queue.splice(0, again < 0 ? queue.length : again);
}
