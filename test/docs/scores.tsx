// scores.tsx
import type { RoomClient } from "../../src/client/index.ts";
import { useRoom } from "../../src/react/index.ts";
import type { gameRoom } from "./game-room.ts";

export function Scores({ game }: { game: RoomClient<typeof gameRoom> | undefined }) {
  const players = useRoom(game, (state) => state.players) ?? {}; // undefined before the first packet
  return (
    <ol>
      {Object.entries(players).map(([id, { score }]) => (
        <li key={id}>{score}</li>
      ))}
    </ol>
  );
}
