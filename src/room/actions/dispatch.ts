import { promiseOf } from "../../protocol/values.ts";
import type { CompiledRoom } from "../../define/room.ts";
import type { Action, ActionContext, Guard, GuardContext, Input } from "../../define/types.ts";
import type { Build } from "../../protocol/build.ts";
import type { ActionMessage } from "../../protocol/decode.ts";
import { decodeMessage, messagesIn } from "../../protocol/decode.ts";
import { noLongerHere, RoomError, toRoomError } from "../../protocol/errors.ts";
import { encodeAck, encodeError, takeConfirmation } from "../../protocol/packets.ts";
import type { Confirmation } from "../../protocol/packets.ts";
import { toPlain } from "../../state/to-plain.ts";
import { AnsweredMessages } from "./answered-messages.ts";
import type { AnswerSender } from "./answered-messages.ts";
import type { Inputs } from "./inputs.ts";
import type { RoomConnection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import { passes } from "../handlers/guards.ts";
import type { Clock } from "../../platform/ports.ts";
import { within } from "../../platform/timeout.ts";
import { MAX_WAITING, refuseMessage, sizeOf } from "../../platform/client-limits.ts";
import type { RateLimit } from "../../platform/client-limits.ts";
import { UserRate } from "../../platform/user-rate.ts";
import { tooMuchWaits, WaitingBudget } from "../../platform/waiting-budget.ts";
import { WaitingQueue } from "../../platform/waiting-queue.ts";
import type { Tree } from "../../state/tree.ts";
import type { RoomContext } from "../handlers/room-context.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Reporter } from "../handlers/reporter.ts";
import type { Turns } from "../timing/turns.ts";
import { parseInput } from "../handlers/validation.ts";

/** The maximum number of actions that a refusal names. */
const MOST_NAMES = 20;

/** The properties of a guard's context that messages do not have. */
const NEITHER = { join: undefined, isSpectator: false, caller: undefined };

/** The parts of the room that dispatching needs. */
export interface DispatchScope extends RoomContext {
  readonly tree: Tree;
  readonly sessions: Sessions;
  readonly connections: Pick<Connections, "acts">;
  readonly turns: Turns;
  readonly broadcast: AnswerSender;
  readonly clock: Clock;
  readonly reporter: Reporter;
  readonly inputs: Inputs | undefined;
}

/** Handles the messages of clients, those of each connection one by one and in order. */
export class Dispatch {
  readonly #scope: DispatchScope;
  readonly #answers: AnsweredMessages;
  /** Rates of actions with their own limit, by name. */
  readonly #rates = new Map<string, UserRate>();
  /** Undefined until a message has to wait. */
  #waiting: WaitingBudget<RoomConnection> | undefined;

  /** Continues with the messages of a connection whose held-back answers were sent. */
  readonly #goOn = (conn: RoomConnection): void => void this.#drain(conn);

  constructor(scope: DispatchScope) {
    this.#scope = scope;
    this.#answers = new AnsweredMessages(scope.sessions, scope.broadcast);
  }

  /**
   * Handles a frame, which is a message or an array of messages. The runtime awaits a returned promise in an event of
   * its own, so there is one only if needed.
   * @param starting what to await first, if the room has just woken. It never rejects.
   * @returns a promise if the message is not handled yet. It never rejects.
   */
  receive(conn: RoomConnection, frame: string | ArrayBuffer, starting?: Promise<unknown>): Promise<void> | undefined {
    const now = this.#scope.clock.now();
    const confirmation = takeConfirmation(frame);
    if (!confirmation) conn.flow?.heard(now);
    else if (!this.#confirm(conn, confirmation, frame, now)) return undefined;
    const messages = confirmation?.rest ?? frame;
    if (typeof messages === "string" && messages.startsWith("["))
      return this.#receiveAll(conn, messages, now, starting);
    return this.#receiveOne(conn, messages, now, starting);
  }

  /**
   * Handles a confirmation. One that was not asked for, or only before hibernation, counts as a message. @returns
   * whether messages follow
   */
  #confirm(conn: RoomConnection, { token, rest }: Confirmation, frame: string | ArrayBuffer, now: number): boolean {
    const isKnown = conn.flow?.confirm(token) === true;
    if (rest === "" && !isKnown) this.#isRefused(conn, frame, now);
    return rest !== "";
  }

  /** Handles an array of messages: each is counted and answered on its own. */
  #receiveAll(
    conn: RoomConnection,
    frame: string,
    now: number,
    starting?: Promise<unknown>,
  ): Promise<void> | undefined {
    const refusal = refuseMessage(conn, frame, this.#scope.compiled.settings, now, false);
    if (refusal) this.#close(conn, refusal.error);
    let pending: Promise<void> | undefined;
    for (const message of messagesIn(frame)) {
      if (conn.isEnding) break;
      // Messages after a pending one wait in the inbox.
      pending = this.#receiveOne(conn, message, now, starting) ?? pending;
    }
    return pending;
  }

  #receiveOne(
    conn: RoomConnection,
    frame: string | ArrayBuffer,
    now: number,
    starting?: Promise<unknown>,
  ): Promise<void> | undefined {
    if (conn.isEnding || this.#isRefused(conn, frame, now)) return undefined;
    // A message that is handled at once never waits, however large it is.
    if (!conn.isBusy && !starting) return this.#drain(conn, frame);
    this.#inboxOf(conn).push(frame);
    if (conn.isBusy) return undefined;
    conn.isBusy = true;
    return starting?.then(() => this.#drain(conn));
  }

  /** Counts a message, and refuses it if there are too many. */
  #isRefused(conn: RoomConnection, frame: string | ArrayBuffer, now: number): boolean {
    // A shard counts the messages of its clients itself, since it forwards them in batches.
    const refusal = refuseMessage(conn, frame, this.#scope.compiled.settings, now, !conn.isRemote);
    if (refusal?.closes) this.#close(conn, refusal.error);
    else if (refusal) this.#deny(conn, refusal.error);
    return refusal !== undefined;
  }

  #inboxOf(conn: RoomConnection): NonNullable<RoomConnection["inbox"]> {
    this.#waiting ??= new WaitingBudget<RoomConnection>(MAX_WAITING, (fullest) => this.#close(fullest, tooMuchWaits()));
    return (conn.inbox ??= new WaitingQueue(this.#waiting, conn, conn.publicId, sizeOf));
  }

  /** Refuses a malformed message, or one too many. */
  #deny(conn: RoomConnection, error: RoomError): void {
    this.#scope.reporter.refused(error, { conn });
    conn.answer(encodeError(error));
  }

  #close(conn: RoomConnection, error: RoomError): void {
    this.#scope.reporter.refused(error, { conn });
    conn.refuse(error);
  }

  /** Handles a frame, and then the waiting ones. */
  #drain(conn: RoomConnection, first?: string | ArrayBuffer): Promise<void> | undefined {
    conn.isBusy = true;
    for (let frame = first; ; frame = undefined) {
      // It stays busy, so later messages wait.
      if (frame === undefined && conn.isClogged(this.#goOn)) return undefined;
      frame ??= conn.inbox?.shift();
      if (frame === undefined) break;
      const pending = this.#handle(conn, frame);
      if (pending) return pending.then(() => this.#drain(conn));
    }
    conn.isBusy = false;
    return undefined;
  }

  /** Handles one frame, and ends its turn. @returns a promise only if there is something to await */
  #handle(conn: RoomConnection, frame: string | ArrayBuffer): Promise<void> | undefined {
    let message: ActionMessage;
    try {
      if (typeof frame !== "string") throw new RoomError("bad_message", "A message has to be a text frame");
      message = decodeMessage(frame);
    } catch (error) {
      this.#deny(conn, toRoomError(error));
      return undefined;
    }
    if (!this.#answers.isNew(conn, message.id)) return undefined;
    try {
      const outcome = this.#scope.turns.run(() => this.#perform(conn, message), "caller");
      const pending = promiseOf(outcome);
      if (!pending) {
        this.#acknowledge(conn, message, outcome);
        return undefined;
      }
      this.#scope.turns.want();
      return this.#inTime(pending)
        .then((result) => this.#acknowledge(conn, message, result))
        .catch((error: unknown) => this.#refuse(conn, message, error));
    } catch (error) {
      this.#refuse(conn, message, error);
      return undefined;
    }
  }

  /** Waits for an action up to the timeout. The action may continue afterwards, but its client is answered. */
  #inTime(pending: Promise<unknown>): Promise<unknown> {
    const { clock, compiled } = this.#scope;
    const { actionTimeout } = compiled.settings;
    const late = () => new RoomError("timeout", `The action took longer than ${actionTimeout / 1000} seconds`);
    return within(actionTimeout, pending, late, clock);
  }

  /** Runs guards, validation and handler. Synchronous as long as they are. */
  #perform(conn: RoomConnection, message: ActionMessage): unknown {
    const { action: name, value } = message;
    const { compiled } = this.#scope;
    const action = compiled.actions.get(name);
    const input = compiled.inputs.get(name);
    const { unhandledAction } = compiled.definition;
    if (action?.from === "rooms") throw new RoomError("forbidden", "Only other rooms may call this action");
    if (conn.isSpectator) throw new RoomError("forbidden", "Spectators cannot call actions");
    if (!action && !input && !unhandledAction) throw unknownAction(compiled);
    if (action?.rateLimit) this.#limit(conn, name, action.rateLimit);
    return this.#guard(conn, compiled.definition.guards, value, () =>
      input
        ? this.#take(conn, input, message)
        : action
          ? this.#validate(conn, action, value)
          : this.#unhandled(conn, name, value),
    );
  }

  /** @throws RoomError `rate_limited` */
  #limit({ publicId }: RoomConnection, name: string, limit: RateLimit): void {
    let rate = this.#rates.get(name);
    if (!rate) this.#rates.set(name, (rate = new UserRate(limit)));
    if (!rate.take(publicId, this.#scope.clock.now()))
      throw new RoomError("rate_limited", "Too many calls of this action");
  }

  #validate(conn: RoomConnection, action: Action<object, unknown>, value: unknown): unknown {
    return chain(parseInput(action.input, value), (parsed) =>
      this.#guard(conn, action.guards, parsed, () => action.run(this.#contextOf(conn), parsed)),
    );
  }

  /** Takes an input for the next ticks. Its schema cannot be async, since later inputs would overtake it. */
  #take(conn: RoomConnection, input: Input<object, unknown>, message: ActionMessage): void {
    const value = parseInput(input.input, message.value);
    if (value instanceof Promise) throw new RoomError("internal", "An input cannot have an async schema");
    this.#scope.inputs?.take(this.#contextOf(conn), input, message, value);
  }

  #unhandled(conn: RoomConnection, action: string, value: unknown): unknown {
    const { unhandledAction } = this.#scope.compiled.definition;
    const message = { action, value };
    return this.#guard(conn, unhandledAction?.guards, message, () =>
      unhandledAction?.run(this.#contextOf(conn), message),
    );
  }

  #guard(
    conn: RoomConnection,
    guards: readonly Guard<object>[] | undefined,
    value: unknown,
    go: () => unknown,
  ): unknown {
    if (!guards || guards.length === 0) return go();
    const { state, room } = this.#scope;
    const context: GuardContext<object> = { ...NEITHER, conn, auth: conn.auth, request: undefined, state, room };
    return chain(passes(guards, context, value), (verdict) => {
      if (verdict !== true) throw new RoomError("forbidden", "You may not do this");
      return go();
    });
  }

  /** @throws RoomError `forbidden` if the user was removed from the room */
  #contextOf(conn: RoomConnection): ActionContext<object> {
    const { tree, sessions, connections, state, room } = this.#scope;
    const user = tree.users?.get(conn.publicId);
    const isHere = tree.users ? user : sessions.find(conn.sessionId);
    if (conn.hasLeft || !isHere) throw noLongerHere();
    conn.hasActed = true;
    connections.acts(conn);
    return { user: user as never, conn, auth: conn.auth, state, room };
  }

  #acknowledge(conn: RoomConnection, { id }: ActionMessage, result: unknown): void {
    if (id === undefined) this.#scope.turns.end();
    else this.#answer(conn, id, encodeAck(id, toPlain(result)));
  }

  #answer(conn: RoomConnection, id: string | number, text: string): void {
    const others = this.#answers.keep(conn, id, text);
    // The changes of the action are sent before its answer.
    this.#scope.turns.end();
    for (const asked of [conn, ...others]) this.#scope.broadcast.answer(asked, text);
  }

  #refuse(conn: RoomConnection, { action, id }: ActionMessage, thrown: unknown): void {
    const { reporter, compiled } = this.#scope;
    // Any other name is chosen by the client, and is not logged.
    const about = compiled.actions.has(action) || compiled.inputs.has(action) ? { action, conn } : { conn };
    const text = encodeError(reporter.thrown("action_failed", thrown, about), { action, id });
    if (id !== undefined) {
      this.#answer(conn, id, text);
      return;
    }
    this.#scope.turns.end();
    conn.answer(text);
  }
}

/** In development the message names the actions without guards, which anyone may call. */
function unknownAction({ actions }: CompiledRoom): RoomError {
  let message = "There is no such action";
  if ((globalThis as Build).process?.env?.NODE_ENV !== "production") {
    const known = [...actions]
      .filter(([, { guards = [], from }]) => guards.length === 0 && !from)
      .map(([name]) => name);
    if (known.length > 0) message += `. There are: ${known.slice(0, MOST_NAMES).join(", ")}`;
  }
  return new RoomError("unknown_action", message);
}

/** Continues with a verdict or a value now, or when its promise resolves. */
function chain<T, U>(value: T | Promise<T>, next: (value: T) => U): U | Promise<Awaited<U>> {
  return value instanceof Promise ? (value.then(next) as Promise<Awaited<U>>) : next(value);
}
