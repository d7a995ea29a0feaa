import { createRooms } from "durable-rooms";
import { worlds } from "durable-rooms/worlds";
import { boardRoom } from "./board-room";
import { quizRoom } from "./quiz-room";

const rooms = createRooms({
  rooms: [quizRoom],
  parties: { boards: [boardRoom] },
  world: worlds({ ids: ["world-default"] }),
});

export class RoomObject extends rooms.RoomObject {}
export class WorldObject extends rooms.WorldObject {}
export class ShardObject extends rooms.ShardObject {}
export default rooms.app;
