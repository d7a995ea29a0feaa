import type { Claims } from "../../define/types.ts";
import type { RoomSocket } from "./remote-group.ts";

/** A client's request to connect. */
export interface JoinRequest {
  /** The upgrade request, as the client made it. */
  readonly request: Request;
  readonly auth: Claims | null;
  /** The private id that the client sent. */
  readonly sessionId: string | undefined;
  readonly transferToken?: string | undefined;
  /** Whether the client has disconnected meanwhile. Then nothing is done for it. */
  readonly isGone?: () => boolean;
  /** Whether other clients join at the same moment. Then all first packets are sent in one turn. */
  readonly isBatched?: boolean;
  /** The client's socket, which is not accepted yet. */
  readonly socket: RoomSocket;
  /** Whether the socket was accepted before the join was done. */
  isEarly?: boolean;
  /** Whether the client was accepted or refused. */
  isDone?: boolean;
}
