import { Transfers as RoomTransfers } from "../room/transfers/transfers.ts";
import type { CreateTransfers } from "../room/transfers/user-transfers.ts";

/**
 * The option `transfers` of `createRooms`. The code of transfers is reached only through this object, so a Worker without
 * it does not contain that code.
 */
export interface Transfers {
  /** Makes the transfers of a room. */
  readonly create: CreateTransfers;
}

/**
 * Transfers, which move users to other rooms by `room.sessionTransfer`: the option `transfers` of `createRooms`.
 *
 * @example
 * import { createRooms, transfers } from "durable-rooms";
 * const rooms = createRooms({ rooms: [gameRoom], transfers });
 * export class RoomObject extends rooms.RoomObject {}
 * export default rooms.app;
 */
export const transfers: Transfers = { create: (scope) => new RoomTransfers(scope) };
