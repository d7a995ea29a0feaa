import { connectionRoom } from "@signe/sync/client";
import { burst, element, news, render } from "./render.ts";
import { World } from "./world.ts";

const FIELD = { width: 900, height: 540 };
const STEP = 14;
const KEYS: Record<string, [x: number, y: number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** One tab is one player: a reload stays the same, a second tab is somebody else. */
function sessionId(): string {
  const known = sessionStorage.getItem("session") ?? crypto.randomUUID();
  sessionStorage.setItem("session", known);
  return known;
}

/** The session goes with the token that it began with, so both are kept. */
async function login(name: string): Promise<string> {
  const known = sessionStorage.getItem("token");
  if (known && sessionStorage.getItem("name") === name) return known;
  const answer = await fetch("/login", {
    method: "POST",
    body: JSON.stringify({ name }),
    headers: { "content-type": "application/json" },
  });
  const { token, error } = (await answer.json()) as { token?: string; error?: string };
  if (!token) throw new Error(error ?? "The login failed");
  if (known) sessionStorage.removeItem("session");
  sessionStorage.setItem("token", token);
  sessionStorage.setItem("name", name);
  return token;
}

function showStatus(state: "connecting" | "online" | "offline", text: string): void {
  const status = element("status");
  status.dataset["state"] = state;
  status.textContent = text;
}

async function play(name: string, room: string): Promise<void> {
  const token = await login(name);
  const world = new World();
  let me = "";
  showStatus("connecting", "connecting…");
  const connection = await connectionRoom(
    { host: location.host, room: `game-${room}`, id: sessionId(), query: { token }, maxReconnectionDelay: 3000 },
    world,
  );
  const { conn } = connection;
  conn.addEventListener("open", () => showStatus("online", "online"));
  conn.addEventListener("close", ({ code, reason }: CloseEvent) => {
    if (code >= 4400 && code < 4500) {
      conn.close();
      showStatus("offline", reason || `closed (${code})`);
    } else showStatus("connecting", "reconnecting…");
  });
  connection.on("sync", (value: { pId?: string }) => {
    if (value.pId !== undefined) me = value.pId;
    render(world, me);
  });
  connection.on("news", news);
  connection.on("collected", ({ x, y }: { x: number; y: number }) => burst(x, y));
  control(connection.emit, () => world.players()[me]);
  element("join").hidden = true;
  element("room-name").textContent = `Room ${room}. Open this page in a second tab to play together.`;
  location.hash = room;
}

function control(emit: (action: string, value: unknown) => void, me: () => { x: number; y: number } | undefined): void {
  const go = (x: number, y: number) => emit("move", { x: clamp(x, FIELD.width), y: clamp(y, FIELD.height) });
  const stage = element("stage");
  stage.addEventListener("pointerdown", (event) => {
    const box = stage.getBoundingClientRect();
    go(((event.clientX - box.left) / box.width) * FIELD.width, ((event.clientY - box.top) / box.height) * FIELD.height);
  });
  stage.addEventListener("keydown", (event) => {
    const step = KEYS[event.key];
    const player = me();
    if (!step || !player) return;
    event.preventDefault();
    go(player.x + step[0] * STEP, player.y + step[1] * STEP);
  });
  stage.focus();
  element<HTMLFormElement>("say").addEventListener("submit", (event) => {
    event.preventDefault();
    const input = element<HTMLInputElement>("text");
    if (input.value.trim() !== "") emit("say", input.value);
    input.value = "";
  });
}

function clamp(value: number, most: number): number {
  return Math.min(Math.max(value, 0), most);
}

element<HTMLInputElement>("name").value = sessionStorage.getItem("name") ?? "";
if (location.hash.length > 1) element<HTMLInputElement>("room").value = decodeURIComponent(location.hash.slice(1));
element<HTMLFormElement>("join").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = element<HTMLInputElement>("name").value.trim();
  const room = element<HTMLInputElement>("room").value.trim();
  play(name, room).catch((error: unknown) => {
    element("problem").textContent = error instanceof Error ? error.message : String(error);
  });
});
