// app.tsx
import { connectRoom } from "../../src/client/index.ts";
import type { RoomClient } from "../../src/client/index.ts";
import { useEffect, useState, useSyncExternalStore } from "react";
import type { gameRoom } from "./game-room.ts";
import { Scores } from "./scores.tsx";

type Game = RoomClient<typeof gameRoom>;

export function App({ room }: { room: string }) {
  const [game, setGame] = useState<Game>();
  useEffect(() => {
    const opened = connectRoom<typeof gameRoom>({ host: location.host, room });
    setGame(opened);
    return () => opened.close(); // also when `room` changes, and twice in StrictMode
  }, [room]);
  return game ? <Join game={game} /> : null;
}

function Join({ game }: { game: Game }) {
  const status = useSyncExternalStore(
    (changed) => game.on("status", changed),
    () => game.status,
    () => "connecting" as const,
  );
  if (status === "closed") return <p>The room is closed</p>;
  return (
    <>
      <button disabled={status !== "open"} onClick={() => game.emit("move", { x: 1, y: 2 })}>
        Move
      </button>
      <Scores game={game} />
    </>
  );
}
