import { RoomError } from "../../protocol/errors.ts";
import { encodeError } from "../../protocol/packets.ts";
import type { RoomConnection } from "../connections/connection.ts";
import type { Answered, Sessions } from "../sessions/sessions.ts";

/** How many answered messages of a session are remembered, and the characters of their answers. The oldest are forgotten first. */
const MAX_ANSWERS = 64;
const MAX_SIZE = 16_384;
/** Characters of one answer: it is in a row of the session, which must not become too large to be stored. */
const MAX_ANSWER = 250_000;
/** In place of an answer that is forgotten, while its message is still remembered. */
const FORGOTTEN = "";
const LOST = new RoomError("internal", "This message was handled before, and its answer is no longer stored");

type MessageId = Answered[0];
/** Sends answers: a broadcast knows which packets they follow. */
export interface AnswerSender {
  /** Sends an ack or an error. */
  answer(conn: RoomConnection, text: string): void;
}

/**
 * Remembers what recent messages of a session were answered, so that one that a client sends again after a
 * reconnect is not run twice. The answers are details of the session, stored in one transaction with what they changed.
 */
export class AnsweredMessages {
  readonly #sessions: Sessions;
  readonly #sender: AnswerSender;
  /** Messages that are being handled, by session and id, with the connections that asked for them again. */
  readonly #pending = new Map<string, RoomConnection[]>();

  constructor(sessions: Sessions, sender: AnswerSender) {
    this.#sessions = sessions;
    this.#sender = sender;
  }

  /**
   * Whether a message is to be run. If it was before, its answer is sent again, now or when it is there.
   * Only clients that rely on this send a message twice: those of protocol 2.
   */
  isNew(conn: RoomConnection, id: MessageId | undefined): boolean {
    if (conn.protocol === 1 || id === undefined) return true;
    const waiting = this.#pending.get(keyOf(conn, id));
    // Once, however often it asks: an answer may be large.
    if (waiting && !waiting.includes(conn)) waiting.push(conn);
    const answered = this.#sessions.answersOf(conn.sessionId).find(([key]) => key === id);
    if (answered) this.#sender.answer(conn, answered[1] === FORGOTTEN ? encodeError(LOST, { id }) : answered[1]);
    if (waiting || answered) return false;
    this.#pending.set(keyOf(conn, id), []);
    return true;
  }

  /** A message was answered. Called before what it changed is stored. @returns the other connections that asked for the answer */
  keep(conn: RoomConnection, id: MessageId, text: string): readonly RoomConnection[] {
    if (conn.protocol === 1) return [];
    const waiting = this.#pending.get(keyOf(conn, id)) ?? [];
    this.#pending.delete(keyOf(conn, id));
    const session = this.#sessions.find(conn.sessionId);
    if (!session) return waiting;
    const kept = text.length > MAX_ANSWER ? FORGOTTEN : text;
    const { answers = [], ...details } = session.details ?? this.#sessions.detailsOf(session);
    const latest: Answered[] = [...answers, [id, kept]];
    this.#sessions.setDetails(session, { ...details, answers: shorten(latest.slice(-MAX_ANSWERS)) });
    return waiting;
  }
}

function keyOf({ sessionId }: RoomConnection, id: MessageId): string {
  return `${JSON.stringify(id)} ${sessionId}`;
}

/** Without the oldest answers, where all of them are too long. The newest is kept: a client may ask for it right now. */
function shorten(answers: Answered[]): Answered[] {
  let excess = answers.reduce((size, [, text]) => size + text.length, -MAX_SIZE);
  return answers.map((answer, index) => {
    if (excess <= 0 || index === answers.length - 1) return answer;
    excess -= answer[1].length;
    return [answer[0], FORGOTTEN];
  });
}
