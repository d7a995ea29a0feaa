import { CallError } from "./errors.ts";
import type { CallErrorCode } from "./errors.ts";
import type { Issue } from "../protocol/errors.ts";
import { Outbox } from "./outbox.ts";
import type { Letter } from "./outbox.ts";
import { randomId } from "./random-id.ts";

/** A room knows so many messages of a session again (P3.6): what was sent before them, it might do twice. */
const MOST_REPEATED = 64;
/** Timers take no longer time: they would run at once. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

interface Call extends Letter {
  readonly id: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: CallError) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** What the server says of a call. */
export interface Answer {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
  readonly issues?: unknown;
}

/** What happens to a call, told before its promise is settled. */
export interface CallWatcher {
  readonly done: () => void;
  readonly failed: () => void;
}

/**
 * The messages of a client, and who waits for their answers. What was sent and not answered when the connection
 * broke is sent again, with the same id: the room knows what it did already, and only answers then. It knows so
 * many, and a server of the first protocol knows none: where it might be done twice, the call fails.
 */
export class Calls {
  readonly #outbox: Outbox;
  readonly #timeout: number;
  readonly #calls = new Map<string, Call>();
  /** Another page of the same session has another one: its ids are not ours. */
  readonly #prefix = randomId(6);
  #next = 1;

  /**
   * @param send sends text now, or returns false
   * @param dropped is told of a message that will never be sent and that nobody waits for
   */
  constructor(timeout: number, send: (text: string) => boolean, dropped: (action: string) => void) {
    this.#timeout = Math.min(timeout, LONGEST_TIMEOUT);
    this.#outbox = new Outbox(send, (letter) => {
      if (isCall(letter)) this.#fail(letter, "overflow", "Too many messages wait for a connection");
      else dropped(letter.action);
    });
  }

  emit(action: string, value: unknown): void {
    this.#outbox.post({ action, text: JSON.stringify({ action, value }) });
  }

  call(action: string, value: unknown, watcher?: CallWatcher): Promise<unknown> {
    const id = `${this.#prefix}-${this.#next++}`;
    const text = JSON.stringify({ action, value, id });
    return new Promise((resolve, reject) => {
      const call: Call = {
        id,
        action,
        text,
        resolve: (result) => {
          watcher?.done();
          resolve(result);
        },
        reject: (error) => {
          watcher?.failed();
          reject(error);
        },
        timer: setTimeout(() => this.#expire(call), this.#timeout),
      };
      this.#calls.set(id, call);
      this.#outbox.post(call);
    });
  }

  /** The connection is open: sends what waited. */
  connected(): void {
    this.#outbox.flush();
  }

  /**
   * The connection broke: nobody knows what of it arrived.
   * @param mayRepeat whether the room knows a message again
   */
  disconnected(mayRepeat: boolean): void {
    const sent = [...this.#calls.values()].filter((call) => !this.#outbox.isWaiting(call));
    const repeated = mayRepeat ? sent.slice(-MOST_REPEATED) : [];
    this.#outbox.restore(repeated);
    const lost = sent.slice(0, sent.length - repeated.length);
    for (const call of lost) this.#fail(call, "closed", "The connection broke before the answer");
  }

  /** An ack or an error arrived. @returns whether a call waited for it */
  answer(type: "ack" | "error", { id, result, code, message, issues }: Answer): boolean {
    const call = typeof id === "string" ? this.#calls.get(id) : undefined;
    if (!call) return false;
    this.#forget(call);
    if (type === "ack") call.resolve(result);
    else call.reject(new CallError(code as CallErrorCode, String(message), (issues ?? []) as Issue[]));
    return true;
  }

  /** No connection will come. */
  closed(reason: string): void {
    for (const call of this.#calls.values()) this.#fail(call, "closed", reason);
  }

  #expire(call: Call): void {
    this.#outbox.withdraw(call);
    this.#fail(call, "timeout", `"${call.action}" was not answered in ${this.#timeout} ms`);
  }

  #fail(call: Call, code: CallErrorCode, message: string): void {
    this.#forget(call);
    call.reject(new CallError(code, message));
  }

  #forget(call: Call): void {
    clearTimeout(call.timer);
    this.#calls.delete(call.id);
  }
}

function isCall(letter: Letter): letter is Call {
  return "id" in letter;
}
