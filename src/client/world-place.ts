import { ConnectError } from "./errors.ts";
import { isObject } from "./frame.ts";
import { isRefusal } from "./place.ts";
import type { Place } from "./place.ts";

const UNKNOWN_SHARD = 4404;
const SHARD_FULL = 4503;
/** A shard that could not be reached so often in a row is given up. */
const MOST_FAILURES = 2;
const ANSWER_TIME = 10_000;
const LONGEST_WAIT = 60_000;

type Answer = { readonly url?: unknown; readonly error?: unknown; readonly code?: unknown };

/**
 * A shard that a World gives out. It is kept over reconnects, since it is the place that knows the client best;
 * the World is asked for another one when the shard says that it is none, or is full, or is out of reach.
 */
export class WorldPlace implements Place {
  readonly isFinal = (code: number): boolean => isRefusal(code) && code !== UNKNOWN_SHARD;
  shard: string | undefined;
  readonly #url: string;
  readonly #body: string;
  #isOpen = false;
  #failures = 0;

  constructor(origin: string, worldId: string, room: string) {
    this.#url = `${origin}/parties/world/${encodeURIComponent(worldId)}/connect`;
    this.#body = JSON.stringify({ roomId: room, autoCreate: true });
  }

  async find(token: string | undefined): Promise<string> {
    this.shard ??= await this.#ask(token);
    return `shard/${encodeURIComponent(this.shard)}`;
  }

  opened(): void {
    this.#isOpen = true;
    this.#failures = 0;
  }

  lost(code: number): void {
    // The end of a connection that was open is no failed attempt: the shard may well be there.
    if (!this.#isOpen) this.#failures++;
    this.#isOpen = false;
    const isGone = code === UNKNOWN_SHARD || code === SHARD_FULL;
    if (!isGone && this.#failures < MOST_FAILURES) return;
    this.shard = undefined;
    this.#failures = 0;
  }

  async #ask(token: string | undefined): Promise<string> {
    const response = await this.#post(token).catch(({ message }: Error) => {
      throw new ConnectError("world_unreachable", `The World does not answer: ${message}`);
    });
    const answer = await readAnswer(response);
    if (response.ok && typeof answer.url === "string") return answer.url;
    throw refusal(response, answer);
  }

  #post(token: string | undefined): Promise<Response> {
    const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
    return fetch(this.#url, { method: "POST", headers, body: this.#body, signal: AbortSignal.timeout(ANSWER_TIME) });
  }
}

async function readAnswer(response: Response): Promise<Answer> {
  const answer: unknown = await response.json().catch(() => undefined);
  return isObject(answer) ? answer : {};
}

/**
 * 404 may mean that there is no space at the moment, so it is final only with a code that says otherwise. Any other
 * status from 400 to 499 will not change by itself, except where the World is busy.
 */
function refusal({ status, headers }: Response, { error, code }: Answer): ConnectError {
  const mayChange = status < 400 || status >= 500 || status === 408 || status === 429 || status === 404;
  const seconds = Number(headers.get("retry-after"));
  return new ConnectError("world_refused", typeof error === "string" ? error : `The World answered ${status}`, {
    status,
    isFinal: !mayChange || (status === 404 && code === "not_found"),
    retryAfter: seconds > 0 ? Math.min(seconds * 1000, LONGEST_WAIT) : 0,
  });
}
