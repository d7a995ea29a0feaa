import type { Row } from "../../state/rows.ts";

/** What is remembered of a client under its private id. */
export interface Session {
  /** No other session of the room has it. */
  readonly id: string;
  /** The private id that its client comes with. Somebody with another `sub` may come with the same. */
  readonly clientId: string;
  readonly publicId: string;
  /** The `sub` claim that it was made with: nobody else may resume it. */
  readonly sub: string | undefined;
  /** When its last connection closed, in ms since 1970; undefined while it is online. */
  offlineSince: number | undefined;
  /** The transfer that brought it here: the same one does not do so twice. */
  transferId: string | undefined;
  /** The room that the transfer brought it from, until that knows that its user has come. */
  from: string | undefined;
  /** Until when a place is kept for it, after a transfer. Undefined when its user has come. */
  expectedUntil: number | undefined;
  /** On the way to another room: it is here until that has it. */
  leaving: { readonly to: string; readonly transferId: string } | undefined;
  /** The larger part of what is remembered, as far as it is in memory: see `Sessions.detailsOf`. */
  details: SessionDetails | undefined;
  /** How many characters of details are stored at most; undefined if there are none. It is known without reading them. */
  detailsSize: number | undefined;
  /**
   * Whether it has no token, and none of its actions ran. Stored only while it is offline, so that a first action costs
   * no row: of a session that was online when the room slept nobody knows, and it counts as one that acted.
   */
  isIdle: true | undefined;
  /** The number of its last input that was applied, in the state that is stored with it; undefined before the first. */
  input: number | undefined;
  /** Whether it is new, and the join that made it is not done: then nothing of it is stored. */
  isJoining: boolean;
  readonly row: Row;
  /** Made when there are details. */
  detailsRow: Row | undefined;
}

/** The larger part of what is remembered of a session. It has a row of its own, that is read when it is needed. */
export interface SessionDetails {
  /** The state that its connections start with, after a transfer, and the characters of it. */
  readonly connState?: unknown;
  readonly stateSize?: number;
  /** What its recent messages were answered, by their ids. */
  readonly answers?: readonly Answered[];
}
/** A message, and what it was answered. */
export type Answered = readonly [id: string | number, text: string];
