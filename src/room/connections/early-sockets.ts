import { closeReason } from "../../protocol/close-reason.ts";
import { CODES } from "../../protocol/codes.ts";
import { encodeJoining } from "../../protocol/packets.ts";
import { MAX_WAITING, sizeOf } from "../../platform/client-limits.ts";
import type { Clock } from "../../platform/ports.ts";
import { userOf, WaitingBudget } from "../../platform/waiting-budget.ts";
import { WaitingQueue } from "../../platform/waiting-queue.ts";
import type { RoomSocket } from "./remote-group.ts";

/** How often a client is told that its join is still in progress, in ms. The timer also keeps the object awake. */
const REMIND_EVERY = 2000;

type Frame = string | ArrayBuffer;

/** A socket that is still joining. */
interface EarlySocket {
  readonly messages: WaitingQueue<Frame, RoomSocket>;
  cancelReminder: () => void;
}

/**
 * Sockets that were accepted before their join is done, because clients give up if an upgrade is not answered in time.
 * Their messages wait, with the same limits as messages that wait for a slow action.
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
   * @param sessionId the client's session id, if it sent one
   * @param remind whether to tell the client regularly that its join is still in progress
   */
  accept(socket: RoomSocket, sessionId: string | undefined, remind: boolean): void {
    socket.accept();
    // The room may crash before the join is done: see RoomConnection.recover.
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

  /** The join is done, or the socket closed. @returns the waiting messages */
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

/** A closing socket throws. Its close event follows. */
function trySend(socket: RoomSocket, text: string): void {
  try {
    socket.send(text);
  } catch {
    // The close event follows.
  }
}
