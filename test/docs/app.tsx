// app.tsx
import { useRoomClient } from "../../src/react/index.ts";
import type { gameRoom } from "./game-room.ts";
import { Scores } from "./scores.tsx";

export function App({ room }: { room: string }) {
  const { client: game, status } = useRoomClient<typeof gameRoom>({ room }); // it also goes to another room, and closes
  if (status === "closed") return <p>The room is closed</p>;
  return (
    <>
      <button disabled={status !== "open"} onClick={() => game?.emit("move", { x: 1, y: 2 })}>
        Move
      </button>
      <Scores game={game} />
    </>
  );
}
