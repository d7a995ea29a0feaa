// client.ts, in the browser
import { signal } from "@signe/reactive";
import { connectionRoom } from "@signe/sync/client";
import { tabSession, tabStorage } from "../../src/client/index.ts";

class Game {
  status = signal("waiting");
  best = signal(0);
  players = signal<Record<string, { x: number; y: number; score: number; online: boolean; hand?: string[] }>>({});
  monsters = signal<Record<string, { hp: number }>>({});
}

const game = new Game();
const { emit, on, close, conn } = await connectionRoom(
  {
    host: location.host,
    room: "game-1",
    id: tabSession(), // private: whoever has it is this user
    query: { token: tabStorage.getItem("token") ?? "" }, // where the room wants one
  },
  game,
);
emit("move", { x: 1, y: 2 });
on("sync", () => console.log(game.players()));
on("error", ({ code, message }) => console.warn(code, message));
conn.addEventListener("close", ({ code }: { code: number }) => {
  if (code >= 4400 && code <= 4499) close(); // trying again does not help
});

export { game, emit, conn };
