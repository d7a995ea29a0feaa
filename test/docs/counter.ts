// src/worker.ts
import { createRooms, defineRoom, signal, sync } from "../../src/index.ts";

const counter = defineRoom({
  path: "counter-{id}", // counter-1, counter-2 and so on are rooms of their own
  state: () => ({ count: sync(signal(0)) }), // sent to everyone, and stored
  actions: { increment: { run: ({ state }) => state.count.update((count) => count + 1) } },
});
const rooms = createRooms({ rooms: [counter] });

export type Counter = typeof counter;
export class RoomObject extends rooms.RoomObject {}
export default rooms.app;
