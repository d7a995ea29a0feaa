/** Whom `room.broadcast` reaches. C: a connection. */
export interface BroadcastOptions<C> {
  /** Not these sockets. */
  readonly except?: C | readonly C[];
  /** Only those who see this entry: all, where nothing says who sees it. */
  readonly near?: object;
  /** Only those who have one of these keys, by a `byKey` of the state. Throws where there is none. */
  readonly keys?: string | number | readonly (string | number)[];
}
