/** How long clients have to wait if a quota of the platform is used up, in seconds. */
export const QUOTA_WAIT = 600;

/**
 * The platform's errors, such as `Exceeded allowed rows written in Durable Objects free tier.`, with `rows read`,
 * `duration` or `volume of requests`; or `Exceeded the account's spending cap for Durable Objects`.
 * https://developers.cloudflare.com/durable-objects/platform/spend-management/
 */
const EXCEEDED = /(?:^|: )Exceeded (?:allowed ([\w ]{1,40}) in Durable Objects|the account's (spending cap))/;

/** The quota of the platform that is used up, from the text of an error. Undefined for other errors. */
export function quotaIn(text: string): string | undefined {
  const [, quota, cap] = EXCEEDED.exec(text) ?? [];
  return quota ?? cap;
}

/**
 * Whether an error or its cause says that a quota of the platform is used up.
 * @param depth how many causes to look at, since they may form a circle
 */
export function isOverQuota(error: unknown, depth = 8): boolean {
  if (!(error instanceof Error) || depth === 0) return false;
  return quotaIn(error.message) !== undefined || isOverQuota(error.cause, depth - 1);
}
