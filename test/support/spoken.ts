/** Changes the query of a test's clients, so that they can use another protocol than the test asks for. */
export const spoken = { query: (query: string): string => query };
