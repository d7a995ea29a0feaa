import { CallError } from "./errors.ts";
import type { CallErrorCode } from "./errors.ts";
import type { Issue } from "../protocol/errors.ts";
import { randomId } from "./random-id.ts";
import { SendQueue } from "./send-queue.ts";
import type { QueuedMessage } from "./send-queue.ts";

/** A room recognises this many messages of a session (P3.6): it might run older ones twice. */
const MOST_REPEATED = 64;
/** The longest time of a timer in ms: one with more runs at once. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

interface Call extends QueuedMessage {
  readonly id: string;
  readonly resolve: (result: unknown, isIncluded: boolean) => void;
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

/** Called with the outcome of a call, before its promise resolves or rejects. */
export interface CallWatcher {
  /** @param isIncluded whether the state includes already what was done */
  readonly done: (isIncluded: boolean) => void;
  readonly failed: () => void;
}

/**
 * The messages of a client, and the calls that wait for their answers. A call that was sent and not answered when the
 * connection broke is sent again with the same id: the room recognises it and only answers. It recognises a limited
 * number, and a server of the first protocol none: where a call might be run twice, it fails instead.
 */
export class Calls {
  readonly #queue: SendQueue;
  readonly #timeout: number;
  readonly #calls = new Map<string, Call>();
  /** Random, so that ids differ from those of another page of the same session. */
  readonly #prefix = randomId(6);
  #next = 1;

  /**
   * @param send sends text now, or returns false
   * @param dropped is called with the action of a message that will never be sent and that nobody waits for
   */
  constructor(timeout: number, send: (text: string) => boolean, dropped: (action: string) => void) {
    this.#timeout = Math.min(timeout, LONGEST_TIMEOUT);
    this.#queue = new SendQueue(send, (message) => {
      if (isCall(message)) this.#fail(message, "overflow", "Too many messages wait for a connection");
      else dropped(message.action);
    });
  }

  emit(action: string, value: unknown): void {
    this.#queue.send({ action, text: JSON.stringify({ action, value }) });
  }

  call(action: string, value: unknown, watcher?: CallWatcher): Promise<unknown> {
    const id = `${this.#prefix}-${this.#next++}`;
    const text = JSON.stringify({ action, value, id });
    return new Promise((resolve, reject) => {
      const call: Call = {
        id,
        action,
        text,
        resolve: (result, isIncluded) => {
          watcher?.done(isIncluded);
          resolve(result);
        },
        reject: (error) => {
          watcher?.failed();
          reject(error);
        },
        timer: setTimeout(() => this.#expire(call), this.#timeout),
      };
      this.#calls.set(id, call);
      this.#queue.send(call);
    });
  }

  /** The connection is open: sends the messages that waited. */
  connected(): void {
    this.#queue.flush();
  }

  /**
   * The connection broke: nobody knows which messages arrived.
   * @param mayRepeat whether the room recognises a message that is sent again
   */
  disconnected(mayRepeat: boolean): void {
    const sent = [...this.#calls.values()].filter((call) => !this.#queue.isWaiting(call));
    const repeated = mayRepeat ? sent.slice(-MOST_REPEATED) : [];
    this.#queue.restore(repeated);
    const lost = sent.slice(0, sent.length - repeated.length);
    for (const call of lost) this.#fail(call, "closed", "The connection broke before the answer");
  }

  /**
   * An ack or an error arrived.
   * @param isIncluded whether the state includes already what was done
   * @returns whether a call waited for it
   */
  answer(type: "ack" | "error", { id, result, code, message, issues }: Answer, isIncluded = false): boolean {
    const call = typeof id === "string" ? this.#calls.get(id) : undefined;
    if (!call) return false;
    this.#forget(call);
    if (type === "ack") call.resolve(result, isIncluded);
    else call.reject(new CallError(code as CallErrorCode, String(message), (issues ?? []) as Issue[]));
    return true;
  }

  /** No connection will come. */
  closed(reason: string): void {
    for (const call of this.#calls.values()) this.#fail(call, "closed", reason);
  }

  #expire(call: Call): void {
    this.#queue.remove(call);
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

function isCall(message: QueuedMessage): message is Call {
  return "id" in message;
}
