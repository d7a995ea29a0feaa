/** `throttleStorage` of the rooms with a delayed save, in ms. */
export const LAZY_MS = 400;
/** The names of the schedules that clients may set. */
export const SCHEDULES = ["s0", "s1", "s2"] as const;
