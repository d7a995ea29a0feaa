export { RoomObject, default } from "durable-rooms/testing";
