import { RoomError } from "../../protocol/errors.ts";
import { encodeError } from "../../protocol/packets.ts";
import type { RoomConnection } from "../connections/connection.ts";
import type { Answered, Sessions } from "../sessions/sessions.ts";

/**
 * How many answered messages of a session are remembered, and the maximum size of their answers in characters. The
 * oldest are forgotten first.
 */
const MAX_ANSWERS = 64;
const MAX_SIZE = 16_384;
/** The maximum size of one answer in characters, since it is stored in a row of the session. */
const MAX_ANSWER = 250_000;
/** Replaces a forgotten answer of a message that is still remembered. */
const FORGOTTEN = "";
const LOST = new RoomError("internal", "This message was handled before, and its answer is no longer stored");

type MessageId = Answered[0];
/** Sends answers after the packets that they follow. */
export interface AnswerSender {
  /** Sends an acknowledgement or an error. */
  answer(conn: RoomConnection, text: string): void;
}

/**
 * Remembers the answers to recent messages of a session, so that a message that is sent again after a reconnect is not
 * run twice. Answers are stored in one transaction with the changes of their messages.
 */
export class AnsweredMessages {
  readonly #sessions: Sessions;
  readonly #sender: AnswerSender;
  /** Messages that are being handled, by session and id, with the connections that sent them again. */
  readonly #pending = new Map<string, RoomConnection[]>();

  constructor(sessions: Sessions, sender: AnswerSender) {
    this.#sessions = sessions;
    this.#sender = sender;
  }

  /**
   * Whether to run a message. If it ran before, its answer is sent again, now or when it is available. Only clients of
   * protocol 2 send messages twice.
   */
  isNew(conn: RoomConnection, id: MessageId | undefined): boolean {
    if (conn.protocol === 1 || id === undefined) return true;
    const waiting = this.#pending.get(keyOf(conn, id));
    // Once per connection, since an answer may be large.
    if (waiting && !waiting.includes(conn)) waiting.push(conn);
    const answered = this.#sessions.answersOf(conn.sessionId).find(([key]) => key === id);
    if (answered) this.#sender.answer(conn, answered[1] === FORGOTTEN ? encodeError(LOST, { id }) : answered[1]);
    if (waiting || answered) return false;
    this.#pending.set(keyOf(conn, id), []);
    return true;
  }

  /**
   * A message was answered. Called before its changes are stored. @returns the other connections that wait for the
   * answer
   */
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

/** Removes the oldest answers if they are too long. The newest is kept, since a client may ask for it right now. */
function shorten(answers: Answered[]): Answered[] {
  let excess = answers.reduce((size, [, text]) => size + text.length, -MAX_SIZE);
  return answers.map((answer, index) => {
    if (excess <= 0 || index === answers.length - 1) return answer;
    excess -= answer[1].length;
    return [answer[0], FORGOTTEN];
  });
}
