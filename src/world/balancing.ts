/** How a room's clients are distributed over its shards. */
export const BALANCINGS = ["round-robin", "least-connections", "random", "nearest"] as const;
export type Balancing = (typeof BALANCINGS)[number];
