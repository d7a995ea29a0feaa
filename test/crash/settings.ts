/** `throttleStorage` of the rooms that save now and then, in ms. */
export const LAZY_MS = 400;
/** Schedules that clients may set. */
export const SCHEDULES = ["s0", "s1", "s2"] as const;
