import { originOf } from "../client/address.ts";

/** The URL of a service by its host, as clients give it. Undefined if it is not valid, or has a path. */
export function serviceUrl(host: string): URL | undefined {
  try {
    const url = new URL(originOf({ host }));
    return url.href === `${url.origin}/` ? url : undefined;
  } catch {
    return undefined;
  }
}
