import { createRooms } from "durable-rooms";
import { arenaRoom } from "./arena-room";

const rooms = createRooms({ rooms: [arenaRoom] });

export class RoomObject extends rooms.RoomObject {}
export default rooms.app;
