/** The Worker of one small room, as a user would write it. */
export const minimalRoom = (options = "") => `
  import { createRooms, defineRoom, jwt, signal, sync } from "./dist/index.js";
  const room = defineRoom({
    path: "room-{id}",
    state: () => ({ count: sync(signal(0)) }),
    actions: { increment: { run: ({ state }) => state.count.update((count) => count + 1) } },
  });
  const rooms = createRooms({ rooms: [room]${options} });
  export class RoomObject extends rooms.RoomObject {}
  export default rooms.app;
`;
