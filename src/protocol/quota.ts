/** How long everyone is to wait where a quota of the platform is used up, in seconds. */
export const QUOTA_WAIT = 600;

/**
 * What the platform says, as `Exceeded allowed rows written in Durable Objects free tier.`; or with `rows read`,
 * `duration` or `volume of requests`; or `Exceeded the account's spending cap for Durable Objects`.
 * https://developers.cloudflare.com/durable-objects/platform/spend-management/
 */
const EXCEEDED = /(?:^|: )Exceeded (?:allowed ([\w ]{1,40}) in Durable Objects|the account's (spending cap))/;

/** Which quota of the platform is used up, by the text of an error; undefined if that is about something else. */
export function quotaIn(text: string): string | undefined {
  const [, quota, cap] = EXCEEDED.exec(text) ?? [];
  return quota ?? cap;
}

/**
 * Whether an error, or what caused it, says that a quota of the platform is used up.
 * @param depth how many causes to look at: they may go in a circle
 */
export function isOverQuota(error: unknown, depth = 8): boolean {
  if (!(error instanceof Error) || depth === 0) return false;
  return quotaIn(error.message) !== undefined || isOverQuota(error.cause, depth - 1);
}
