/** Where an object and its data stay: https://developers.cloudflare.com/durable-objects/reference/data-location/ */
export const JURISDICTIONS = ["eu", "us", "fedramp", "fedramp-high"] as const;
export type Jurisdiction = (typeof JURISDICTIONS)[number];

/** The jurisdiction that the id of a shard names. */
export function jurisdictionOfShard(shardId: string): Jurisdiction | undefined {
  return JURISDICTIONS.find((one) => shardId.endsWith(`~${one}`));
}
