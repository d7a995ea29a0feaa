export { connectRoom, connectWorld } from "./connect.ts";
export { CallError, ConnectError } from "./errors.ts";
export type { CallErrorCode } from "./errors.ts";
export { findRoom, listRooms } from "./find-room.ts";
export type { Comparison, FindOptions, Filter, ListOptions, RoomListing, SearchOptions } from "./find-room.ts";
export type {
  CommonOptions,
  ConnectOptions,
  IdStorage,
  JoinOptions,
  RoomOptions,
  ShardOptions,
  SocketOptions,
  WorldOptions,
} from "./options.ts";
export type {
  ClientEvents,
  ClientOf,
  NumberedInput,
  ReceivedPacket,
  Refusal,
  RoomClient,
  SyncEvent,
} from "./room-client.ts";
export { separateTabs } from "./separate-tabs.ts";
export { tabSession, tabStorage } from "./tab-storage.ts";
export type { ClientStatus } from "./status.ts";
export type { ActionArguments, ActionName, ActionResult, AsJson, ClientState } from "./types.ts";
