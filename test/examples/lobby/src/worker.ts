import { createRooms } from "durable-rooms";
import { worlds } from "durable-rooms/worlds";
import { matchRoom } from "./match-room";

const rooms = createRooms({ rooms: [matchRoom], world: worlds({ ids: ["world-default"] }) });

export class RoomObject extends rooms.RoomObject {}
export class WorldObject extends rooms.WorldObject {}
export class ShardObject extends rooms.ShardObject {}
export default rooms.app;
