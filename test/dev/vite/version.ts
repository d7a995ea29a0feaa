/** The test edits this line while the rooms run. */
export const VERSION = 0;
