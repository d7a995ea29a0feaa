import type { Row } from "../../state/rows.ts";

/** The data of a client under its private id. */
export interface Session {
  /** Unique in the room. */
  readonly id: string;
  /** The private id that the client sends. A client with another `sub` may use the same. */
  readonly clientId: string;
  readonly publicId: string;
  /** The `sub` claim of the token that made it. Only this subject may resume it. */
  readonly sub: string | undefined;
  /** When its last connection closed, in ms since 1970. Undefined while it is online. */
  offlineSince: number | undefined;
  /** The transfer that brought it here, which cannot do so twice. */
  transferId: string | undefined;
  /** The room that it came from, until that room knows that its user has arrived. */
  from: string | undefined;
  /** Until when a place is reserved for it after a transfer. Undefined after its user has arrived. */
  expectedUntil: number | undefined;
  /** The transfer to another room that is in progress. The user is here until the other room has stored them. */
  leaving: { readonly to: string; readonly transferId: string } | undefined;
  /** Its larger data, if it is in memory: see `Sessions.detailsOf`. */
  details: SessionDetails | undefined;
  /**
   * The maximum stored size of its details in characters. Undefined if there are none. It is known without reading
   * them.
   */
  detailsSize: number | undefined;
  /**
   * Whether it has no token, and has not called an action. Stored only while it is offline, so that a first action
   * costs no row. A session that was online during hibernation counts as one that has.
   */
  isIdle: true | undefined;
  /** The number of its last applied input, in the state that is stored with it. Undefined before the first. */
  input: number | undefined;
  /** Whether it is new, and its join is not done. Then nothing of it is stored. */
  isJoining: boolean;
  readonly row: Row;
  /** Made when there are details. */
  detailsRow: Row | undefined;
}

/** The larger data of a session. It has its own row, which is read on demand. */
export interface SessionDetails {
  /** The initial state of its connections after a transfer, and its size in characters. */
  readonly connState?: unknown;
  readonly stateSize?: number;
  /** The answers to its recent messages, by id. */
  readonly answers?: readonly Answered[];
}
/** A message id, and its answer. */
export type Answered = readonly [id: string | number, text: string];
