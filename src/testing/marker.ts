/** A text that the kit's clients get between packets. No room sends text with this beginning. */
export interface Marker {
  /** The number of all handled messages. */
  readonly turn: number;
  /** The number of this client's handled messages. */
  readonly handled: number;
  /** The client's public id, since with `autoSync: false` no packet has sent it yet. */
  readonly publicId?: string;
  /** A change that clients cannot see, if there was one. */
  readonly problem?: string;
  /** Whether its user has left the room. It then gets no further marks. */
  readonly hasLeft?: boolean;
}

const PREFIX = "\u0000";

export function encodeMarker(marker: Marker): string {
  return PREFIX + JSON.stringify(marker);
}

export function decodeMarker(text: string): Marker | undefined {
  return text.startsWith(PREFIX) ? (JSON.parse(text.slice(PREFIX.length)) as Marker) : undefined;
}
