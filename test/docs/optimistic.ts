import type { RoomClient } from "../../src/client/index.ts";
import type { gameRoom } from "./game-room.ts";

export async function go(game: RoomClient<typeof gameRoom>): Promise<void> {
  const id = game.publicId ?? "";
  const to = { x: 3, y: 4 };
  await game.optimistic("move", to, (state) => {
    const me = state.players[id];
    return me ? { ...state, players: { ...state.players, [id]: { ...me, ...to } } } : state;
  }); // rejects, and takes it back, if the room refuses
}
