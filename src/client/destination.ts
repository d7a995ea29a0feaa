/** Where a client connects, and what it learns from its attempts. */
export interface Destination {
  /** The room's id. Undefined until it is known. */
  readonly room: string | undefined;
  /** The shard, if there is one. */
  readonly shard?: string | undefined;
  /**
   * Finds the address for an attempt to connect.
   * @param signal aborts the search
   * @returns the party and the room as a path
   * @throws ConnectError if there is no address now
   */
  find(token: string | undefined, signal: AbortSignal): string | Promise<string>;
  /** The first packet arrived from there. */
  opened(): void;
  /** The connection ended, or could not be opened. @returns whether to look for another address at once */
  lost(code: number): boolean;
  /** Whether a close with this code is final. */
  isFinal(code: number): boolean;
}

/** The rule of the protocol (P7.3): 44xx is a refusal, and after 1009 the same message would be sent again. */
export function isRefusal(code: number): boolean {
  return code === 1009 || (code >= 4400 && code <= 4499);
}

/** A room whose id is known. */
export function roomDestination(party: string, room: string): Destination {
  return {
    room,
    find: () => `${party}/${encodeURIComponent(room)}`,
    opened: () => {},
    lost: () => false,
    isFinal: isRefusal,
  };
}
