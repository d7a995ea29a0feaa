import type { CompiledRoom } from "../define/room.ts";
import type { RoomHandle } from "../define/types.ts";
import type { Conn } from "./conn.ts";
import type { LogEntry } from "./ports.ts";
import type { Turns } from "./turns.ts";

/** What a failure happened in. */
export interface FailureDetails {
  readonly conn?: Conn | undefined;
  readonly [field: string]: unknown;
}

/** Runs the developer's hooks so that they harm nobody, and tells the log and `onError` of what was thrown. */
export class Reporter {
  readonly #compiled: CompiledRoom;
  readonly #state: object;
  readonly #turns: Turns;
  readonly #log: (entry: LogEntry) => void;
  readonly #room: () => RoomHandle;

  constructor(
    compiled: CompiledRoom,
    state: object,
    turns: Turns,
    log: (entry: LogEntry) => void,
    room: () => RoomHandle,
  ) {
    this.#compiled = compiled;
    this.#state = state;
    this.#turns = turns;
    this.#log = log;
    this.#room = room;
  }

  /** Runs a hook. @returns a promise that never rejects if it is not done yet */
  hook(name: string, run: () => unknown, conn?: Conn): Promise<unknown> | undefined {
    const fail = (error: unknown) => this.failed(`${name}_failed`, error, { conn });
    try {
      const outcome = this.#turns.run(run);
      return outcome instanceof Promise ? outcome.catch(fail) : undefined;
    } catch (error) {
      fail(error);
      return undefined;
    }
  }

  failed(event: string, error: unknown, { conn, ...details }: FailureDetails = {}): void {
    this.#write(event, error, { ...details, ...(conn && { connection: conn.id }) });
    const { onError } = this.#compiled.definition;
    if (!onError) return;
    const logFailure = (failure: unknown) => this.#write("onError_failed", failure, {});
    try {
      const outcome = this.#turns.run(() => onError({ error, conn, state: this.#state, room: this.#room() }));
      if (outcome instanceof Promise) outcome.catch(logFailure);
    } catch (failure) {
      logFailure(failure);
    }
  }

  #write(event: string, error: unknown, details: Record<string, unknown>): void {
    const { id, party } = this.#room();
    const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#log({ level: "error", event, party, room: id, ...details, error: cause });
  }
}
