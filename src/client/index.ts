export { connectRoom } from "./connect-room.ts";
export type { ClientEvents, ClientStatus, ConnectOptions, RoomClient } from "./connect-room.ts";
export { CallError } from "./errors.ts";
export type { CallErrorCode } from "./errors.ts";
export type { ActionArguments, ActionName, ActionResult, ClientState } from "./types.ts";
