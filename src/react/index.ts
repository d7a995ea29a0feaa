export { useRoom } from "./use-room.ts";
