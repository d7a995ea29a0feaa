/** What a patch consists of: the first byte of each of its blocks. */
export const BLOCK = { json: 0, rows: 1, removals: 2, table: 3, pieces: 4 } as const;
