/** The protocols that clients of tests speak, as a query that a test asks for says it. */
export const spoken = { query: (query: string): string => query };
