import { closeReason } from "../../protocol/close-reason.ts";
import { CODES } from "../../protocol/codes.ts";
import { encodeJoining } from "../../protocol/packets.ts";
import type { Clock } from "../../platform/ports.ts";
import type { RoomSocket } from "./remote-group.ts";

/** How often a client is told that the room still works on its join, in ms. The timer also keeps the object awake. */
const REMIND_EVERY = 2000;
/** The same limits as for messages that wait for a slow action: P3.3. */
const MAX_WAITING = 1000;
const MAX_WAITING_SIZE = 2_000_000;

type Frame = string | ArrayBuffer;

/** A socket whose join is not done. */
interface EarlySocket {
  readonly frames: Frame[];
  size: number;
  cancel: () => void;
}

/**
 * Sockets that were accepted before their join is done, since an upgrade must not stay unanswered for long: clients give
 * up. What they send waits.
 */
export class EarlySockets {
  readonly #clock: Clock;
  readonly #sockets = new Map<RoomSocket, EarlySocket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param remind whether its client knows packets that say that the room works on its join */
  accept(socket: RoomSocket, remind: boolean): void {
    socket.accept();
    // It may lose its memory by then: see RoomConnection.recover.
    socket.attach({ joining: true });
    const early: EarlySocket = { frames: [], size: 0, cancel: () => {} };
    this.#sockets.set(socket, early);
    const wait = () => {
      if (remind) trySend(socket, encodeJoining());
      early.cancel = this.#clock.after(REMIND_EVERY, wait, "join");
    };
    wait();
  }

  /** Keeps a message until the join is done. Closes a client that sends too much. @returns false if its join is done */
  hold(socket: RoomSocket, frame: Frame): boolean {
    const early = this.#sockets.get(socket);
    if (!early) return false;
    early.size += typeof frame === "string" ? frame.length : frame.byteLength;
    early.frames.push(frame);
    if (early.frames.length > MAX_WAITING || early.size > MAX_WAITING_SIZE) {
      this.take(socket);
      socket.close(CODES.rate_limited.close, closeReason("Too many messages wait for the join"));
    }
    return true;
  }

  /** The join is done, or the socket closed. @returns the messages that waited */
  take(socket: RoomSocket): readonly Frame[] {
    const early = this.#sockets.get(socket);
    early?.cancel();
    this.#sockets.delete(socket);
    return early?.frames ?? [];
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
