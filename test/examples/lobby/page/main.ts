import { connectRoom, findRoom, listRooms, tabSession, tabStorage } from "durable-rooms/client";
import type { RoomClient } from "durable-rooms/client";
import type { MatchListing, matchRoom, Mode } from "../src/match-room";

const GOALS: Record<Mode, number> = { sprint: 20, marathon: 60 };
const SEATS = 4;
const REFRESH = 2000;

const at = <T extends HTMLElement = HTMLElement>(id: string) => document.getElementById(id) as T;
const name = at<HTMLInputElement>("name");
const skill = at<HTMLInputElement>("skill");
const act = at<HTMLButtonElement>("act");
const mode = () => document.querySelector<HTMLInputElement>("[name=mode]:checked")?.value as Mode;
/** The criteria of the search. The list below it uses the same ones. */
const search = () => ({ host: location.host, room: "match-{mode}-{skill}-{id}", filter: { mode: mode() } });

let match: RoomClient<typeof matchRoom> | undefined;
/** Why the last race is over for this player. It is shown until the next race begins. */
let reason = "";

/** Finds a race that fits, or creates one. The client calls it until a race accepts the player. */
async function quickMatch(): Promise<string> {
  const level = Number(skill.value);
  const { filter, ...kind } = search();
  const near = { ...filter, skill: { gte: level - 1, lte: level + 1 } };
  const found = await findRoom<MatchListing>({
    ...kind,
    filter: near,
    create: { mode: filter.mode, skill: skill.value },
  });
  return found.roomId;
}

/** @param room a race of the list, or a function that finds one */
function join(room: string | (() => Promise<string>)): void {
  reason = "";
  match = connectRoom<typeof matchRoom>({ host: location.host, room, id: tabSession() });
  match.emit("rename", name.value);
  match.on("status", show);
  match.on("closed", ({ reason }) => leave(reason));
  match.subscribe(show);
  show();
}

function leave(why = ""): void {
  match?.close();
  match = undefined;
  history.replaceState(null, "", " ");
  show();
  reason = why;
  void refresh();
}

async function refresh(): Promise<void> {
  if (match || document.hidden) return;
  try {
    const rooms = await listRooms<MatchListing>(search());
    at("races").replaceChildren(...rooms.filter(({ users }) => users > 0).map(drawRace));
    at("status").textContent = reason;
  } catch {
    at("status").textContent = "The list cannot be had at the moment";
  }
  const { length } = at("races").children;
  at("count").textContent = length > 0 ? String(length) : "";
  at("empty").hidden = length > 0;
}

type Race = Awaited<ReturnType<typeof listRooms<MatchListing>>>[number];

function drawRace({ roomId, metadata, users, locked }: Race): HTMLElement {
  const isOpen = !locked && users < SEATS;
  const button = make("button", "quiet", isOpen ? "Join" : locked ? "Running" : "Full") as HTMLButtonElement;
  button.disabled = !isOpen;
  button.onclick = () => at<HTMLFormElement>("search").reportValidity() && join(roomId);
  const seats = make("span", "seats", "●".repeat(users) + "○".repeat(SEATS - users));
  seats.setAttribute("aria-label", `${users} of ${SEATS}`);
  return make("li", isOpen ? "" : "shut", make("span", "skill", `Skill ${metadata.skill}`), seats, button);
}

const STATUS = { connecting: "Looking for a race …", open: "", reconnecting: "Reconnecting …", closed: "" };

/** Draws the race. Everything that it shows follows from its state. */
function show(): void {
  at("lobby").hidden = match !== undefined;
  at("match").hidden = match === undefined;
  if (!match) return;
  const { state, status, publicId = "", room = "" } = match;
  at("status").textContent = STATUS[status];
  if (room && location.hash !== `#${room}`) history.replaceState(null, "", `#${room}`);
  const kind = (room.split("-")[1] ?? mode()) as Mode;
  at("title").textContent = `${kind === "sprint" ? "Sprint" : "Marathon"} to ${GOALS[kind]}`;
  const players = Object.entries(state.players ?? {}).filter(([, player]) => player.online || player.isRacing);
  at("players").replaceChildren(
    ...players.map(([id, player]) => {
      const row = make("li", player.online ? "" : "away", player.name + (id === publicId ? " (you)" : ""));
      const bar = make("span", "bar");
      bar.style.setProperty("--part", String(player.taps / GOALS[kind]));
      const mark = id === state.winner ? "Winner" : !player.online ? "Away" : player.isReady ? "Ready" : "";
      row.append(bar, make("span", "mark", state.phase === "racing" ? String(player.taps) : mark));
      return row;
    }),
  );
  const me = state.players?.[publicId];
  act.disabled = status !== "open";
  act.classList.toggle("tap", state.phase === "racing");
  act.textContent =
    state.phase === "racing" ? "Tap!" : state.phase === "over" ? "Again" : me?.isReady ? "Not yet" : "Ready";
  const missing = players.length < 2 ? "Waiting for somebody to race with." : "It begins when all are ready.";
  at("hint").textContent = state.phase === "waiting" ? missing : "";
}

function make(tag: string, className: string, ...children: (Node | string)[]): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...children);
  return element;
}

act.onclick = () => {
  if (!match) return;
  const { phase, players } = match.state;
  if (phase === "racing") match.emit("tap");
  else if (phase === "over") match.emit("again");
  else match.emit("ready", !players[match.publicId ?? ""]?.isReady);
};
at("leave").onclick = () => leave();
at("search").onsubmit = (event) => {
  event.preventDefault();
  join(quickMatch);
};
at("search").onchange = () => void refresh();
skill.oninput = () => (at("level").textContent = skill.value);
name.value = tabStorage.getItem("name") ?? `Player ${Math.ceil(Math.random() * 99)}`;
name.oninput = () => tabStorage.setItem("name", name.value);

if (location.hash.startsWith("#match-")) join(decodeURIComponent(location.hash.slice(1)));
void refresh();
setInterval(() => void refresh(), REFRESH);
