/** Rules that the room and the page share. */

/** The field, in tiles. */
export const FIELD = { width: 24, height: 16 } as const;
export const COLOURS = ["coral", "amber", "lime", "teal", "sky", "violet", "rose", "slate"] as const;
export type Colour = (typeof COLOURS)[number];

export const LONGEST_NAME = 20;
export const LONGEST_TEXT = 280;
/** How many messages of the chat are kept. */
export const CHAT_LENGTH = 50;
/** The value of a hidden treasure. */
export const TREASURE_WORTH = 5;

/** A place on the field. */
export interface Tile {
  readonly x: number;
  readonly y: number;
}

export interface ChatMessage {
  readonly id: string;
  /** The publicId of the user who said it. */
  readonly by: string;
  /** As they were then: the player may be gone. */
  readonly name: string;
  readonly colour: Colour;
  readonly text: string;
  /** In ms since 1970. */
  readonly at: number;
}

export interface Treasure extends Tile {
  readonly name: string;
}

/** The position after a step. It stays on the field. */
export function step({ x, y }: Tile, dx: number, dy: number): Tile {
  return { x: clamp(x + dx, FIELD.width), y: clamp(y + dy, FIELD.height) };
}

function clamp(value: number, size: number): number {
  return Math.min(Math.max(value, 0), size - 1);
}
