// hosted-room.tsx, in the app
"use client";
import { useRoomClient } from "../../src/react/index.ts";
import type { gameRoom } from "./game-room.ts";

export function Game({ room, host = "localhost:8787" }: { room: string; host?: string }) {
  const { client, status } = useRoomClient<typeof gameRoom>({ host, room });
  return <button onClick={() => client?.emit("move", { x: 1, y: 2 })}>{status}</button>;
}
