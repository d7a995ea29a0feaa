/** The board's own measures: every screen shows it as large as it can. */
export const WIDTH = 1600;
export const HEIGHT = 1000;
export const COLOURS = ["ink", "red", "amber", "green", "blue", "violet"] as const;
export type Colour = (typeof COLOURS)[number];
/** A stroke that is longer goes on as another one. */
export const MOST_POINTS = 400;
export const MOST_STROKES = 1000;
