import { Failure, UsageError } from "../failure.ts";
import { serviceUrl } from "../service-url.ts";

const ANSWER_TIME = 5000;

/**
 * Returns the origin of a service that may be load-tested.
 * @throws UsageError if it is not an address, or is on another machine without the option for that
 */
export function parseTarget(host: string, mayBeRemote: boolean): string {
  const url = serviceUrl(host);
  if (!url) throw new UsageError(`"${host}" is not a host: use a name and perhaps a port, such as localhost:8787`);
  if (mayBeRemote || isLoopback(url.hostname)) return url.origin;
  throw new UsageError(
    `${url.host} is not on this machine. A load test costs money and may look like an attack. If the service is yours, add --yes-remote`,
  );
}

/** Whether a host, in the form of `URL`, is this machine. */
function isLoopback(hostname: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname) || hostname.endsWith(".localhost");
}

/** @throws Failure if there is no answer, so that not every client has to find that out */
export async function checkIsThere(origin: string): Promise<void> {
  try {
    const options: RequestInit = { method: "HEAD", redirect: "manual", signal: AbortSignal.timeout(ANSWER_TIME) };
    await fetch(`${origin}/health`, options);
  } catch {
    throw new Failure(`No answer from ${origin}. Start the service, or set --host`);
  }
}
