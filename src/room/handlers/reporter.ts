import { promiseOf } from "../../protocol/values.ts";
import { isFault, toRoomError } from "../../protocol/errors.ts";
import type { RoomError } from "../../protocol/errors.ts";
import type { RoomConnection } from "../connections/connection.ts";
import { causeOf } from "../../platform/log.ts";
import type { Failures, LogEntry, LogLevel } from "../../platform/ports.ts";
import type { Turns } from "../timing/turns.ts";
import type { RoomContext } from "./room-context.ts";

/** The circumstances of a failure. */
export interface FailureDetails {
  readonly conn?: RoomConnection | undefined;
  /** The action or route, as the definition names it. */
  readonly action?: string | undefined;
  readonly [field: string]: unknown;
}

/** Runs the developer's hooks so that errors affect nothing else, and reports errors to the log and to `onError`. */
export class Reporter implements Failures {
  readonly #context: RoomContext;
  readonly #turns: Turns;
  readonly #log: (entry: LogEntry) => void;
  /** Failures during the start, until the state is restored and `onError` can be called. */
  #held: (() => void)[] | undefined = [];

  constructor(context: RoomContext, turns: Turns, log: (entry: LogEntry) => void) {
    this.#context = context;
    this.#turns = turns;
    this.#log = log;
  }

  /** Runs a hook. @returns a promise, which never rejects, if the hook is not done yet */
  hook(name: string, run: () => unknown, conn?: RoomConnection): Promise<unknown> | undefined {
    const fail = (error: unknown) => this.failed(`${name}_failed`, error, { conn });
    try {
      const outcome = this.#turns.run(run);
      return promiseOf(outcome)?.catch(fail);
    } catch (error) {
      fail(error);
      return undefined;
    }
  }

  failed(event: string, error: unknown, details: FailureDetails = {}): void {
    const { conn } = details;
    this.#writeFailure(event, error, details);
    if (this.#held) this.#held.push(() => this.#callOnError(error, conn));
    else this.#callOnError(error, conn);
  }

  /** The state is restored: `onError` is called immediately from now on. */
  open(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const report of held) report();
  }

  #callOnError(error: unknown, conn: RoomConnection | undefined): void {
    const { compiled, state } = this.#context;
    const { onError } = compiled.definition;
    if (!onError) return;
    const logFailure = (failure: unknown) => this.#writeFailure("onError_failed", failure, {});
    try {
      const outcome = this.#turns.run(() => onError({ error, conn, state, room: this.#context.room }));
      promiseOf(outcome)?.catch(logFailure);
    } catch (failure) {
      logFailure(failure);
    }
  }

  /** Logs an event that is not a failure. */
  note(event: string, details: Omit<FailureDetails, "conn">, level: LogLevel = "info"): void {
    this.#writeEntry({ level, event }, details);
  }

  /** Logs that a client was refused, unless it was already reported as a failure. */
  refused({ code }: Pick<RoomError, "code">, details: FailureDetails = {}): void {
    if (!isFault({ code })) this.#writeEntry({ level: "info", event: "refused", code }, details);
  }

  /** Logs what was thrown: as a failure of the room, or else as a refusal. @returns the error for the client */
  thrown(event: string, thrown: unknown, details: FailureDetails = {}): RoomError {
    const error = toRoomError(thrown);
    if (isFault(error)) this.failed(event, thrown, details);
    else this.refused(error, details);
    return error;
  }

  #writeFailure(event: string, error: unknown, details: FailureDetails): void {
    this.#writeEntry({ level: "error", event, code: "internal" }, { ...details, error: causeOf(error) });
  }

  #writeEntry(entry: LogEntry, { conn, ...details }: FailureDetails): void {
    this.#log({ ...entry, ...details, ...(conn && { connection: conn.id }) });
  }
}
