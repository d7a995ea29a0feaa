import { connectRoom, tabSession, tabStorage } from "durable-rooms/client";
import type { CallError } from "durable-rooms/client";
import type { lobby } from "../room";
import { showRing, showVisitors } from "./visitors";

const find = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const stage = find("stage");
const status = find("status");
const cheers = find("cheers");
const cheer = find<HTMLButtonElement>("cheer");
const nameInput = find<HTMLInputElement>("name");

// ?room=2 is another room.
const room = `lobby-${new URLSearchParams(location.search).get("room") ?? "1"}`;
// Its id is private: whoever has it is this visitor. It stays through a reload.
const client = connectRoom<typeof lobby>({ host: location.host, room, id: tabSession() });

client.subscribe((state) => {
  cheers.textContent = String(state.cheers);
  showVisitors(state.visitors, client.publicId);
  showStatus();
});
client.on("status", (now) => {
  showStatus();
  if (now === "open" && nameInput.value !== "") client.emit("rename", nameInput.value);
});
client.on("closed", ({ reason }) => (status.textContent = `Closed: ${reason}`));
client.on("cheered", (publicId) => showRing(publicId));

cheer.addEventListener("click", () => client.emit("cheer"));

nameInput.value = tabStorage.getItem("name") ?? "";
nameInput.addEventListener("change", () => void rename(nameInput.value));

async function rename(name: string): Promise<void> {
  const refusal = await client.call("rename", name).then(
    () => "",
    (error: CallError) => error.message,
  );
  nameInput.setCustomValidity(refusal);
  nameInput.reportValidity();
  if (refusal === "") tabStorage.setItem("name", name);
}

// At most 20 times in a second, and where the pointer is by then.
let next: { x: number; y: number } | undefined;
stage.addEventListener("pointermove", follow);
stage.addEventListener("pointerdown", follow);

function follow({ clientX, clientY }: PointerEvent): void {
  if (!next) setTimeout(sendMove, 50);
  const { left, top, width, height } = stage.getBoundingClientRect();
  next = { x: inside((clientX - left) / width), y: inside((clientY - top) / height) };
}

function sendMove(): void {
  if (next && client.status === "open") client.emit("move", next);
  next = undefined;
}

function inside(part: number): number {
  return Math.min(Math.max(part, 0), 1);
}

function showStatus(): void {
  const isOpen = client.status === "open";
  const online = Object.values(client.state.visitors ?? {}).filter((visitor) => visitor.online).length;
  status.className = client.status;
  status.textContent = isOpen ? `${online} here` : "Connecting …";
  cheer.disabled = !isOpen;
}
