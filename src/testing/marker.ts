/** What the kit's clients get between the packets. No room sends a text that begins like it. */
export interface Marker {
  /** How many messages were handled in all. */
  readonly turn: number;
  /** How many of this client's. */
  readonly handled: number;
  /** Who the client is: with `autoSync: false` no packet says it yet. */
  readonly publicId?: string;
  /** A change that nobody can see, if there was one. */
  readonly problem?: string;
  /** Whether its user is not in the room any more: it gets no further marks of others. */
  readonly hasLeft?: boolean;
}

const PREFIX = "\u0000";

export function encodeMarker(marker: Marker): string {
  return PREFIX + JSON.stringify(marker);
}

export function decodeMarker(text: string): Marker | undefined {
  return text.startsWith(PREFIX) ? (JSON.parse(text.slice(PREFIX.length)) as Marker) : undefined;
}
