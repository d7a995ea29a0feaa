/** The test changes this line while the rooms run. */
export const VERSION = 0;
