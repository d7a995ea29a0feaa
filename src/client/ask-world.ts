import { ConnectError } from "./errors.ts";
import { isPlain } from "../protocol/values.ts";

const ANSWER_TIME = 10_000;
/** The longest wait that is believed, in ms; and where a quota is used up. */
const LONGEST_WAIT = 60_000;
const LONGEST_QUOTA_WAIT = 600_000;

type Answer = Readonly<Record<string, unknown>>;

/**
 * Asks a World something.
 * @param url of the route @param signal ends it
 * @throws ConnectError if it says no, or cannot be asked
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
 * 404 may mean that there is no space at the moment, so it is final only with a code that says otherwise. Any other
 * status from 400 to 499 will not change by itself, except where the World is busy.
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
