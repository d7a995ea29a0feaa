import { connectRoom, tabSession, tabStorage } from "durable-rooms/client";
import { interpolate, number, predict, serverClock } from "durable-rooms/netcode";
import { POSITION, step } from "../src/arena";
import type { Input, Position } from "../src/arena";
import type { arenaRoom } from "../src/arena-room";
import { draw } from "./draw";
import type { Shot } from "./draw";
import { line, SlowSocket } from "./slow-socket";
import { readSteering } from "./steering";

const at = <T extends HTMLElement = HTMLElement>(id: string) => document.getElementById(id) as T;
const canvas = at<HTMLCanvasElement>("arena");
const name = at<HTMLInputElement>("name");
const ghost = at<HTMLInputElement>("ghost");

const arena = connectRoom<typeof arenaRoom>({
  host: location.host,
  room: `arena-${location.hash.slice(1) || "main"}`,
  id: tabSession(),
  socket: { WebSocket: SlowSocket },
});

let shown: Position | undefined;
const steering = readSteering(canvas, () => shown);
const me = predict(arena, {
  input: "move",
  step,
  codecs: { x: POSITION, y: POSITION },
  sample: (isSent): Input => steering(isSent),
});
const others = interpolate(arena, (state) => state.players, { fields: { x: number, y: number } });
const clock = serverClock(arena);
let shots: Shot[] = [];

function frame(now: number): void {
  const own = me.frame(now);
  shown = own;
  const players = new Map<string, Position>(Object.entries(others.at(now)));
  if (own && arena.publicId) players.set(arena.publicId, own);
  shots = shots.filter((shot) => now - shot.at < 300);
  draw(canvas, arena.state, {
    players,
    shots,
    now,
    self: arena.publicId,
    ghost: ghost.checked ? me.server : undefined,
  });
  canvas.dataset["x"] = String(own?.x ?? "");
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

// The content of the list as text: it is drawn again only if this changes.
arena.select(
  ({ players }) => JSON.stringify(Object.values(players).map(({ name, score, online }) => [name, score, online])),
  drawScores,
);
arena.on(
  "shot",
  ({ from, to, by }) =>
    void shots.push({ from: by === arena.publicId && shown ? shown : from, to, at: performance.now() }),
);
arena.on("status", (status) => (at("status").textContent = status === "open" ? "" : "Reconnecting …"));
arena.on("closed", ({ reason }) => (at("status").textContent = reason));

for (const what of ["latency", "jitter", "loss"] as const) {
  const slider = at<HTMLInputElement>(what);
  slider.oninput = () => (line[what] = what === "loss" ? slider.valueAsNumber / 100 : slider.valueAsNumber);
  slider.oninput(new InputEvent("input"));
}
setInterval(() => {
  const { delay, jitter } = clock;
  at("numbers").textContent =
    `${me.pending} inputs unanswered, ${me.corrections} corrections; others ${Math.round(delay)} ms behind, jitter ${Math.round(jitter)} ms`;
}, 500);

name.value = tabStorage.getItem("name") ?? `Runner ${Math.ceil(Math.random() * 99)}`;
name.onchange = () => {
  tabStorage.setItem("name", name.value);
  arena.emit("rename", name.value);
  canvas.focus();
};
arena.emit("rename", name.value);
canvas.focus();
requestAnimationFrame(frame);
