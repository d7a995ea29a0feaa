import { promiseOf } from "../../protocol/values.ts";
import type { Plain } from "../../protocol/values.ts";
import type { Awaitable, ExpireReason, LeaveReason, Packet, Scheduled } from "../../define/types.ts";
import { parseOwn } from "../../define/schemas.ts";
import { cleanPatch } from "../../protocol/clean-patch.ts";
import { RoomError } from "../../protocol/errors.ts";
import type { Clock, SentFrame } from "../../platform/ports.ts";
import { within } from "../../platform/timeout.ts";
import type { RoomConnection } from "../connections/connection.ts";
import { createIntercept } from "../connections/interceptor.ts";
import type { Intercept } from "../connections/outbox.ts";
import type { Reporter } from "./reporter.ts";
import type { Turns } from "../timing/turns.ts";
import type { RoomContext } from "./room-context.ts";

/** The timeout of a schedule, an `onStart` or an `interceptorPacket`, in ms, so that none of them blocks the room. */
const LONGEST_RUN = 30_000;
/** The timeout of `onJoin`, and of guards of a join. Meanwhile the client is told that the join is in progress. */
const LONGEST_JOIN = 60_000;

/** Runs the developer's hooks with their contexts. A hook that throws affects only its caller. */
export class Hooks {
  readonly #context: RoomContext;
  readonly #turns: Turns;
  readonly #reporter: Reporter;
  readonly #clock: Clock;

  constructor(context: RoomContext, turns: Turns, reporter: Reporter, clock: Clock) {
    this.#context = context;
    this.#turns = turns;
    this.#reporter = reporter;
    this.#clock = clock;
  }

  /** Runs `onStart`. @returns a promise if the room has to wait for it */
  start(): Promise<unknown> | undefined {
    const { onStart } = this.#context.compiled.definition;
    return onStart && this.#reporter.hook("onStart", () => this.#limited("onStart", () => onStart(this.#given())));
  }

  /**
   * Runs `onJoin`.
   * @returns a promise if there is an `onJoin`. It rejects with the error of `onJoin`, and the connection is refused
   * then
   */
  join(conn: RoomConnection, user: object | undefined, request: Request, join: unknown): Promise<unknown> | undefined {
    const { onJoin } = this.#context.compiled.definition;
    return onJoin && this.untilJoined("onJoin", () => onJoin({ ...this.#givenOf(conn, user), request, join }));
  }

  /** Runs something that a join waits for. Rejects with its error, or after the timeout. */
  async untilJoined<T>(what: string, run: () => Awaitable<T>): Promise<T> {
    return this.#turns.run(() => this.#limited(what, run, LONGEST_JOIN));
  }

  leave(conn: RoomConnection, user: object | undefined, reason: LeaveReason): void {
    const { onLeave } = this.#context.compiled.definition;
    if (onLeave) void this.#reporter.hook("onLeave", () => onLeave({ ...this.#givenOf(conn, user), reason }), conn);
  }

  /** The session of a user has ended. @returns a promise, which never rejects, if the hook is not done yet */
  expire(publicId: string, user: object | undefined, reason: ExpireReason): Promise<unknown> | undefined {
    const { onExpire } = this.#context.compiled.definition;
    const given = () => ({ ...this.#given(), publicId, user: user as never, reason });
    return onExpire && this.#reporter.hook("onExpire", () => this.#limited("onExpire", () => onExpire(given())));
  }

  /** Runs `onCreate`. @returns a promise, which never rejects, if the room has to wait for it */
  create(): Promise<unknown> | undefined {
    const { onCreate } = this.#context.compiled.definition;
    return onCreate && this.#reporter.hook("onCreate", () => this.#limited("onCreate", () => onCreate(this.#given())));
  }

  /** Runs `onDestroy`. @returns a promise, which never rejects, if it is not done yet */
  destroy(reason: string | undefined): Promise<unknown> | undefined {
    const { onDestroy } = this.#context.compiled.definition;
    const run = () => onDestroy?.({ ...this.#given(), reason });
    return onDestroy && this.#reporter.hook("onDestroy", () => this.#limited("onDestroy", run));
  }

  tick(elapsedMs: number, number: number): void {
    const { tick } = this.#context.compiled.definition;
    void this.#reporter.hook("tick", () => tick?.run?.({ ...this.#given(), tick: number }, elapsedMs));
    this.#turns.end();
  }

  /** Runs a schedule. Rejects with its error. */
  async schedule({ name, key, payload }: Scheduled): Promise<void> {
    const schedule = this.#context.compiled.definition.schedules?.[name];
    const run = () =>
      schedule?.run({ ...this.#given(), key }, parseOwn(schedule.payload, payload, `The stored payload of "${name}"`));
    try {
      await this.#turns.run(() => this.#limited("The schedule", run));
    } catch (error) {
      this.#reporter.failed("schedule_failed", error, { schedule: name });
      throw error;
    } finally {
      this.#turns.end();
    }
  }

  /** Makes the interceptor of a connection. @param user finds its user @param write see {@link createIntercept} */
  interceptor(
    conn: RoomConnection,
    user: () => object | undefined,
    write: ((packet: Plain) => SentFrame) | undefined,
  ): Intercept {
    const { interceptorPacket } = this.#context.compiled.definition;
    const run = (packet: Packet) =>
      interceptorPacket ? interceptorPacket(this.#givenOf(conn, user()), packet) : packet;
    // All later packets would wait forever, so the client has to reconnect.
    const cut = () => conn.cut(new RoomError("internal", "A packet could not be sent in time"));
    const intercept = createIntercept(
      (packet) => this.#limited("interceptorPacket", () => run(packet), LONGEST_RUN, cut),
      (error) => this.#reporter.failed("interceptorPacket_failed", error, { conn }),
      write,
    );
    return conn.protocol === 1 ? intercept : (text) => intercept(cleanPatch(text));
  }

  /** Runs something. If it returns a promise, the result rejects after the timeout. */
  #limited<T>(what: string, run: () => Awaitable<T>, longest = LONGEST_RUN, onLate?: () => void): Awaitable<T> {
    const outcome = run();
    const pending = promiseOf(outcome);
    if (!pending) return outcome;
    const tooLong = () => {
      onLate?.();
      return new Error(`${what} took longer than ${longest / 1000} seconds`);
    };
    return within(longest, pending, tooLong, this.#clock);
  }

  #given() {
    return { state: this.#context.state, room: this.#context.room };
  }

  #givenOf(conn: RoomConnection, user: object | undefined) {
    return { user: user as never, conn, auth: conn.auth, ...this.#given() };
  }
}
