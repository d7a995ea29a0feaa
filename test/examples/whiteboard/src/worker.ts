import { createRooms } from "durable-rooms";
import { boardRoom } from "./board-room";

const rooms = createRooms({ rooms: [boardRoom] });

export class RoomObject extends rooms.RoomObject {}
export default rooms.app;
