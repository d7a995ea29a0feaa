/** Which connections `room.broadcast` sends to. C: a connection. Default: all. */
export interface BroadcastOptions<C> {
  /** Skip these connections. */
  readonly except?: C | readonly C[];
  /**
   * Send only to clients that see this entry. If its collection has no `visibleTo`, all of them do. Throws if it is not an
   * entry of the state, or is undefined.
   */
  readonly near?: object;
  /**
   * Send only to clients that have one of these keys in a `byKey` of the state. With undefined or an empty list, nobody
   * gets the packet. Throws if no collection uses `byKey`.
   */
  readonly keys?: string | number | readonly (string | number)[];
  /**
   * A name. While packets wait for a slow client, this one replaces an earlier one with the same name.
   * @example
   * room.broadcast({ type: "cursor", value: { x: 1, y: 2 } }, { latest: "cursor ada" });
   */
  readonly latest?: string;
}
