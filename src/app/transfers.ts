import { Transfers as RoomTransfers, TRANSFER_ROWS } from "../room/transfers/transfers.ts";
import type { TransferParts } from "../room/transfers/user-transfers.ts";

/** The option `transfers` of {@link createRooms}. A Worker without it does not contain the code of transfers. */
export interface Transfers {
  /** The code of transfers that rooms use. */
  readonly parts: TransferParts;
}

/**
 * Enables `room.sessionTransfer`, which moves users to other rooms: the option `transfers` of {@link createRooms}.
 *
 * @example
 * import { createRooms, transfers } from "durable-rooms";
 * const rooms = createRooms({ rooms: [gameRoom], transfers });
 * export class RoomObject extends rooms.RoomObject {}
 * export default rooms.app;
 */
export const transfers: Transfers = {
  parts: { create: (scope) => new RoomTransfers(scope), rowChecks: TRANSFER_ROWS },
};
