import { createRooms } from "durable-rooms";
import { tableRoom } from "./table-room";

const rooms = createRooms({ rooms: [tableRoom] });

export class RoomObject extends rooms.RoomObject {}
export default rooms.app;
