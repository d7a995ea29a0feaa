export { useRoom } from "./use-room.ts";
export { useRoomClient } from "./use-room-client.ts";
export type { ConnectedRoom, RoomClientOptions } from "./use-room-client.ts";
export { useFrame, useInterpolation, usePrediction } from "./use-netcode.ts";
