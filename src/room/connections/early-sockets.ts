import { closeReason } from "../../protocol/close-reason.ts";
import { CODES } from "../../protocol/codes.ts";
import { encodeJoining } from "../../protocol/packets.ts";
import { MAX_WAITING, sizeOf } from "../../platform/client-limits.ts";
import type { Clock } from "../../platform/ports.ts";
import { userOf, WaitingBudget } from "../../platform/waiting-budget.ts";
import { WaitingQueue } from "../../platform/waiting-queue.ts";
import type { RoomSocket } from "./remote-group.ts";

/** How often a client is told that the room still works on its join, in ms. The timer also keeps the object awake. */
const REMIND_EVERY = 2000;

type Frame = string | ArrayBuffer;

/** A socket whose join is not done. */
interface EarlySocket {
  readonly messages: WaitingQueue<Frame, RoomSocket>;
  cancelReminder: () => void;
}

/**
 * Sockets that were accepted before their join is done: clients give up if their upgrade stays unanswered for long.
 * Their messages wait, within the limits of messages that wait for a slow action.
 */
export class EarlySockets {
  readonly #clock: Clock;
  readonly #sockets = new Map<RoomSocket, EarlySocket>();
  readonly #budget = new WaitingBudget<RoomSocket>(MAX_WAITING, (socket) => {
    this.take(socket);
    socket.close(CODES.rate_limited.close, closeReason("Too many messages were sent before the join was done"));
  });
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Accepts a socket.
   * @param sessionId the one that the client named, if it did
   * @param remind whether to tell the client regularly that the room still works on its join
   */
  accept(socket: RoomSocket, sessionId: string | undefined, remind: boolean): void {
    socket.accept();
    // The room may lose its memory before the join is done: see RoomConnection.recover.
    socket.attach({ joining: true });
    const user = userOf(sessionId, this.#count++);
    const messages = new WaitingQueue<Frame, RoomSocket>(this.#budget, socket, user, sizeOf);
    const early: EarlySocket = { messages, cancelReminder: () => {} };
    this.#sockets.set(socket, early);
    const remindAgain = () => {
      if (remind) trySend(socket, encodeJoining());
      early.cancelReminder = this.#clock.after(REMIND_EVERY, remindAgain, "join");
    };
    remindAgain();
  }

  /** Keeps a message until the join is done. @returns false if it is done */
  hold(socket: RoomSocket, frame: Frame): boolean {
    const early = this.#sockets.get(socket);
    early?.messages.push(frame);
    return early !== undefined;
  }

  /** The join is done, or the socket closed. @returns the messages that waited */
  take(socket: RoomSocket): readonly Frame[] {
    const early = this.#sockets.get(socket);
    if (!early) return [];
    early.cancelReminder();
    this.#sockets.delete(socket);
    const waited: Frame[] = [];
    for (let frame = early.messages.shift(); frame !== undefined; frame = early.messages.shift()) waited.push(frame);
    return waited;
  }
}

/** A socket that closes at this moment throws; its close event follows. */
function trySend(socket: RoomSocket, text: string): void {
  try {
    socket.send(text);
  } catch {
    // The close event follows.
  }
}
