/** Whom `room.broadcast` reaches. C: a connection. */
export interface BroadcastOptions<C> {
  /** Not these sockets. */
  readonly except?: C | readonly C[];
  /** Only those who see this entry: all, where nothing says who sees it. */
  readonly near?: object;
  /** Only those who have one of these keys, by a `byKey` of the state. Throws where there is none. */
  readonly keys?: string | number | readonly (string | number)[];
  /**
   * A name. Where packets wait, for a client that does not confirm say, this one takes the place of one with the same name.
   * @example
   * room.broadcast({ type: "cursor", value: { x: 1, y: 2 } }, { latest: "cursor ada" });
   */
  readonly latest?: string;
}
