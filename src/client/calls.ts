import { CallError } from "./errors.ts";
import type { CallErrorCode } from "./errors.ts";
import type { Issue } from "../protocol/errors.ts";
import type { Refusal } from "./room-client.ts";
import { randomId } from "./random-id.ts";
import { SendQueue } from "./send-queue.ts";
import type { QueuedMessage } from "./send-queue.ts";
import { SentEmits } from "./sent-emits.ts";

/** The number of messages of a session that a room remembers (P3.6). It might run older ones twice. */
const MOST_REPEATED = 64;
/** The longest delay of a timer in ms. A longer one fires at once. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

interface Call extends QueuedMessage {
  readonly id: string;
  readonly resolve: (result: unknown, isIncluded: boolean) => void;
  readonly reject: (error: CallError) => void;
  readonly timer: ReturnType<typeof setTimeout>;
  /** Called when a later answer shows that the message arrived. Undefined until it is sent. */
  arrived?: () => void;
}

/** The server's answer to a call. */
export interface Answer {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
  readonly issues?: unknown;
}

/** Called with the outcome of a call, before its promise resolves or rejects. */
export interface CallWatcher {
  /** @param isIncluded whether the state already includes the action's changes */
  readonly done: (isIncluded: boolean) => void;
  readonly failed: () => void;
}

/**
 * The messages of a client, and the calls that wait for their answers. If the connection breaks, unanswered calls are
 * sent again with the same ids: the room recognizes them and only answers. It remembers a limited number, and a server
 * of protocol 1 none: a call that might run twice fails instead.
 */
export class Calls {
  readonly #queue: SendQueue;
  readonly #emits = new SentEmits();
  readonly #timeout: number;
  readonly #send: (text: string) => boolean;
  readonly #failed: (failure: Refusal) => void;
  readonly #calls = new Map<string, Call>();
  /** Random, so that ids differ from those of another page with the same session. */
  readonly #prefix = randomId(6);
  #next = 1;

  /**
   * @param batch how long messages wait for others, in ms
   * @param send sends text now, or returns false
   * @param failed called with emits that will never be sent, or may be lost
   */
  constructor(timeout: number, batch: number, send: (text: string) => boolean, failed: (failure: Refusal) => void) {
    this.#timeout = Math.min(timeout, LONGEST_TIMEOUT);
    this.#send = send;
    this.#failed = failed;
    this.#queue = new SendQueue(
      (messages) => this.#sendNow(messages),
      (message) => this.#overflow(message),
      Math.min(batch, LONGEST_TIMEOUT),
    );
  }

  /** Whether a call waits for its answer, or an emit may not have arrived. */
  get isWaiting(): boolean {
    return this.#calls.size > 0 || !this.#emits.isEmpty;
  }

  /**
   * @returns a function to call when something that is sent now was answered. It shows that all earlier emits arrived
   */
  mark(): () => void {
    return this.#emits.mark();
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

  /** Sends the waiting messages, if there is a connection. */
  flush(): void {
    this.#queue.flush();
  }

  /**
   * The room has sent the maximum size of a frame with several messages in bytes. 0 if it does not accept such frames.
   */
  set frameBytes(bytes: number) {
    this.#queue.frameBytes = bytes;
  }

  /**
   * The connection broke: the last messages may not have arrived.
   * @param mayRepeat whether the room recognizes a message that is sent again
   */
  disconnected(mayRepeat: boolean): void {
    this.reportUnconfirmed();
    // The next connection may reach another version of the room.
    this.#queue.frameBytes = 0;
    const sent = [...this.#calls.values()].filter((call) => !this.#queue.isWaiting(call));
    const repeated = mayRepeat ? sent.slice(-MOST_REPEATED) : [];
    this.#queue.restore(repeated);
    const lost = sent.slice(0, sent.length - repeated.length);
    for (const call of lost) this.#fail(call, "closed", "The connection broke");
  }

  /**
   * An acknowledgement or an error arrived.
   * @param isIncluded whether the state already includes the action's changes
   * @returns whether a call waited for it
   */
  answer(type: "ack" | "error", { id, result, code, message, issues }: Answer, isIncluded = false): boolean {
    const call = typeof id === "string" ? this.#calls.get(id) : undefined;
    if (!call) return false;
    this.#forget(call);
    call.arrived?.();
    if (type === "ack") call.resolve(result, isIncluded);
    else call.reject(new CallError(code as CallErrorCode, String(message), (issues ?? []) as Issue[]));
    return true;
  }

  /** There will be no further connection. */
  closed(reason: string): void {
    const emits = this.#queue.takeWaiting().filter((message) => !isCall(message));
    for (const call of this.#calls.values()) this.#fail(call, "closed", reason);
    this.#report(
      "closed",
      reason,
      emits.map(({ action }) => action),
    );
  }

  /** The connection broke: reports the emits that may be lost. */
  reportUnconfirmed(): void {
    const message = "The connection broke, so these messages may be lost";
    this.#report("unconfirmed", message, this.#emits.takeAll());
  }

  /** Reports emits, once for each action. */
  #report(code: string, message: string, actions: readonly string[]): void {
    const counts = new Map<string, number>();
    for (const action of actions) counts.set(action, (counts.get(action) ?? 0) + 1);
    for (const [action, count] of counts) this.#failed({ code, message, action, count });
  }

  #sendNow(messages: readonly QueuedMessage[]): boolean {
    const texts = messages.map(({ text }) => text).join(",");
    if (!this.#send(messages.length === 1 ? texts : `[${texts}]`)) return false;
    for (const message of messages) {
      if (isCall(message)) message.arrived = this.#emits.mark();
      else this.#emits.add(message.action);
    }
    return true;
  }

  #overflow(message: QueuedMessage): void {
    const text = "Too many messages are waiting";
    if (isCall(message)) this.#fail(message, "overflow", text);
    else this.#failed({ code: "overflow", message: text, action: message.action });
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
