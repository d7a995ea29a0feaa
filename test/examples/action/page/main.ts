import { connectRoom, tabSession, tabStorage } from "durable-rooms/client";
import type { Position } from "../src/arena";
import type { arenaRoom } from "../src/arena-room";
import { draw } from "./draw";
import { readSteering } from "./steering";
import { Timeline } from "./timeline";

const at = <T extends HTMLElement = HTMLElement>(id: string) => document.getElementById(id) as T;
const canvas = at<HTMLCanvasElement>("arena");
const name = at<HTMLInputElement>("name");
const timeline = new Timeline();

const arena = connectRoom<typeof arenaRoom>({
  host: location.host,
  room: `arena-${location.hash.slice(1) || "main"}`,
  id: tabSession(),
});

let positions = new Map<string, Position>();
const steering = readSteering(canvas, () => positions.get(arena.publicId ?? ""));
let sent = { x: 0, y: 0 };

function frame(now: number): void {
  positions = timeline.at(now);
  draw(canvas, arena.state, positions, arena.publicId);
  const wanted = steering();
  // Only what changed is sent: a player who runs straight on sends nothing.
  if (arena.status === "open" && Math.hypot(wanted.x - sent.x, wanted.y - sent.y) > 0.05) {
    sent = wanted;
    arena.emit("steer", wanted);
  }
  requestAnimationFrame(frame);
}

function drawScores(): void {
  const players = Object.entries(arena.state.players ?? {}).filter(([, player]) => player.online);
  players.sort(([, a], [, b]) => b.score - a.score);
  at("scores").replaceChildren(
    ...players.slice(0, 8).map(([id, player]) => {
      const row = document.createElement("li");
      row.textContent = `${player.name} ${player.score}`;
      row.style.setProperty("--hue", String(player.hue));
      row.className = id === arena.publicId ? "me" : "";
      return row;
    }),
  );
}

arena.subscribe(({ tick, players }) => {
  const online = Object.entries(players).filter(([, player]) => player.online);
  timeline.add(tick, performance.now(), Object.fromEntries(online.map(([id, { x, y }]) => [id, { x, y }])));
});
// What the list shows, as one text: it is drawn again only when that is another one.
arena.select(
  ({ players }) => JSON.stringify(Object.values(players).map(({ name, score, online }) => [name, score, online])),
  drawScores,
);
arena.on("status", (status) => {
  at("status").textContent = status === "open" ? "" : "Reconnecting …";
  // A room that this page comes back to may have stopped us.
  if (status === "open") sent = { x: 0, y: 0 };
  else timeline.clear();
});
arena.on("closed", ({ reason }) => (at("status").textContent = reason));
name.value = tabStorage.getItem("name") ?? `Runner ${Math.ceil(Math.random() * 99)}`;
name.onchange = () => {
  tabStorage.setItem("name", name.value);
  arena.emit("rename", name.value);
  canvas.focus();
};
arena.emit("rename", name.value);
canvas.focus();
requestAnimationFrame(frame);
