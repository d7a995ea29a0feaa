import { CallError } from "./errors.ts";
import type { CallErrorCode } from "./errors.ts";
import type { Issue } from "../protocol/errors.ts";

interface Call {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: CallError) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** What waits to be sent. */
interface Letter {
  readonly text: string;
  /** The call that it is; undefined for a message that nobody waits for. */
  readonly id: string | undefined;
}

/** Messages waiting while offline; beyond it the oldest are refused. */
const MAX_WAITING = 1000;

/**
 * The messages of a client. While it is offline they wait, and go out in order when it is back. A call that
 * was sent when the connection broke is rejected: nobody knows whether it was done.
 */
export class Calls {
  readonly #calls = new Map<string, Call>();
  #waiting: Letter[] = [];
  #next = 1;

  /** @param send sends text now, or returns false */
  send(action: string, value: unknown, send: (text: string) => boolean): void {
    this.#post({ text: JSON.stringify({ action, value }), id: undefined }, send);
  }

  call(action: string, value: unknown, timeout: number, send: (text: string) => boolean): Promise<unknown> {
    const id = `c${this.#next++}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#fail(id, "timeout", `"${action}" was not answered in ${timeout} ms`),
        timeout,
      );
      this.#calls.set(id, { resolve, reject, timer });
      this.#post({ text: JSON.stringify({ action, value, id }), id }, send);
    });
  }

  /** The connection is open: sends what waited. */
  flush(send: (text: string) => boolean): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const letter of waiting) if (letter.id === undefined || this.#calls.has(letter.id)) this.#post(letter, send);
  }

  /** An ack or an error arrived. @returns whether a call waited for it */
  answer(
    type: "ack" | "error",
    value: { id?: unknown; result?: unknown; code?: unknown; message?: unknown; issues?: unknown },
  ): boolean {
    const call = typeof value.id === "string" ? this.#take(value.id) : undefined;
    if (!call) return false;
    if (type === "ack") call.resolve(value.result);
    else
      call.reject(new CallError(value.code as CallErrorCode, String(value.message), (value.issues ?? []) as Issue[]));
    return true;
  }

  /** The connection broke: rejects what was sent and not answered. */
  disconnected(): void {
    const waiting = new Set(this.#waiting.map((letter) => letter.id));
    for (const id of this.#calls.keys()) {
      if (!waiting.has(id)) this.#fail(id, "disconnected", "The connection was lost before the answer came");
    }
  }

  /** No connection will come: rejects everything. */
  closed(reason: string): void {
    this.#waiting = [];
    for (const id of this.#calls.keys()) this.#fail(id, "closed", reason);
  }

  #post(letter: Letter, send: (text: string) => boolean): void {
    if (send(letter.text)) return;
    this.#waiting.push(letter);
    if (this.#waiting.length <= MAX_WAITING) return;
    const oldest = this.#waiting.shift();
    if (oldest?.id !== undefined) this.#fail(oldest.id, "disconnected", "Too many messages wait for a connection");
  }

  #fail(id: string, code: CallErrorCode, message: string): void {
    this.#take(id)?.reject(new CallError(code, message));
  }

  #take(id: string): Call | undefined {
    const call = this.#calls.get(id);
    if (call) clearTimeout(call.timer);
    this.#calls.delete(id);
    return call;
  }
}
