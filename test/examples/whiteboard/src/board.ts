/** The size of the board. Pages scale it to their screen. */
export const WIDTH = 1600;
export const HEIGHT = 1000;
export const COLOURS = ["ink", "red", "amber", "green", "blue", "violet"] as const;
export type Colour = (typeof COLOURS)[number];
/** Longer strokes continue as new strokes. */
export const MOST_POINTS = 400;
export const MOST_STROKES = 1000;
