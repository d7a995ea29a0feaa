import { createRooms } from "durable-rooms";
import { chatRoom } from "./chat-room";

const rooms = createRooms({ rooms: [chatRoom] });

export class RoomObject extends rooms.RoomObject {}
export default rooms.app;
