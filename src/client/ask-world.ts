import { ConnectError } from "./errors.ts";
import { isPlain } from "../protocol/values.ts";

const ANSWER_TIME = 10_000;
/** The longest delay that a World may ask for, in ms; and the one for a used-up quota. */
const LONGEST_WAIT = 60_000;
const LONGEST_QUOTA_WAIT = 600_000;

type Answer = Readonly<Record<string, unknown>>;

/**
 * Sends a request to a World.
 * @param url the URL of the route @param signal aborts the request
 * @throws ConnectError if the World refuses it, or does not answer
 */
export async function askWorld(
  url: string,
  body: unknown,
  token: string | undefined,
  signal?: AbortSignal,
): Promise<Answer> {
  const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
  // React Native has no AbortSignal.timeout.
  const stop = new AbortController();
  const end = () => stop.abort();
  const timer = setTimeout(end, ANSWER_TIME);
  signal?.addEventListener("abort", end);
  try {
    const init = { method: "POST", headers, body: JSON.stringify(body), signal: stop.signal };
    const response = await fetch(url, init).catch(({ message }: Error) => {
      throw new ConnectError("world_unreachable", `The World does not answer: ${message}`);
    });
    const json: unknown = await response.json().catch(() => undefined);
    const answer = isPlain(json) ? json : {};
    if (answer["success"] === true) return answer;
    throw refusal(response, answer);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  }
}

/**
 * 404 may mean that all places are taken now, so it is final only with a code that says so. Any other status from 400
 * to 499 does not change by itself, unless the World is busy.
 */
function refusal({ status, headers }: Response, { error, code }: Answer): ConnectError {
  const mayChange = status < 400 || status >= 500 || status === 408 || status === 429 || status === 404;
  const seconds = Number(headers.get("retry-after"));
  const longest = code === "over_quota" ? LONGEST_QUOTA_WAIT : LONGEST_WAIT;
  return new ConnectError("world_refused", typeof error === "string" ? error : `The World answered ${status}`, {
    status,
    isFinal: !mayChange || (status === 404 && code === "not_found"),
    retryAfter: seconds > 0 ? Math.min(seconds * 1000, longest) : 0,
  });
}
