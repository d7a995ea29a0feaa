import { originOf } from "../../client/address.ts";
import { Failure, UsageError } from "../failure.ts";

const ANSWER_TIME = 5000;

/**
 * The origin of a service that may be put under load.
 * @throws UsageError if it is not an address, or is on another machine and nobody said that this is meant
 */
export function parseTarget(host: string, mayBeRemote: boolean): string {
  const text = originOf({ host });
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || url.href !== `${url.origin}/`) {
    throw new UsageError(`"${host}" is not a host: use a name and perhaps a port, such as localhost:8787`);
  }
  if (mayBeRemote || isLoopback(url.hostname)) return url.origin;
  throw new UsageError(
    `${url.host} is not on this machine. A load test costs money and may look like an attack. If the service is yours, add --yes-remote`,
  );
}

/** Whether a host, in the form that `URL` gives it, is this machine itself. */
function isLoopback(hostname: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname) || hostname.endsWith(".localhost");
}

/** @throws Failure if nothing answers there: then there is no need to wait for each client to find that out */
export async function checkIsThere(origin: string): Promise<void> {
  try {
    const options: RequestInit = { method: "HEAD", redirect: "manual", signal: AbortSignal.timeout(ANSWER_TIME) };
    await fetch(`${origin}/health`, options);
  } catch {
    throw new Failure(`No answer from ${origin}. Start the service, or set --host`);
  }
}
