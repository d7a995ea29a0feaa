// worker.ts
import { createRooms } from "../../src/index.ts";
import { clientFile } from "../../src/client/client-file.ts";
import { gameRoom } from "./game-room.ts";

const rooms = createRooms({ rooms: [gameRoom] });
rooms.app.get("/durable-rooms.js", clientFile); // adds 14 KB gzipped to the Worker
