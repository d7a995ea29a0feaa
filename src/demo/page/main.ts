import { LONGEST_NAME, LONGEST_TEXT } from "../rules.ts";
import { connectGame } from "./connection.ts";
import type { Game, Status } from "./connection.ts";
import { byId, write } from "./dom.ts";
import { createField } from "./field.ts";
import { createBoard, createChat, createPalette, createSecret, toast } from "./panels.ts";
import { forgetSession, lastName, loadSession, login } from "./session.ts";
import type { Session, Via } from "./session.ts";
import { ShardList } from "./shards.ts";
import { followTheme } from "./theme.ts";
import { Walker } from "./walker.ts";

const DEFAULT_ROOM = "meadow";
const ROOM = /^[\p{L}\p{N}_-]{1,32}$/u;
const NOT_AUTHENTICATED = 4401;

const dialog = byId<HTMLDialogElement>("join");
const nameInput = byId<HTMLInputElement>("join-name");
const roomInput = byId<HTMLInputElement>("join-room");
nameInput.maxLength = LONGEST_NAME;
byId<HTMLInputElement>("say").maxLength = LONGEST_TEXT;

let game: Game | undefined;
const current = (): Game | undefined => game;
const drawings = [createField(), createBoard(), createChat(current), createSecret(), createPalette(current)];
const walker = new Walker(current);
const shards = new ShardList();
followTheme(byId("theme"));

let isDrawing = false;
/** Draws once a frame, however many packets came. */
function changed(): void {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    const view = game?.view;
    if (!view) return;
    for (const draw of drawings) draw(view);
    shards.noticed(Object.values(view.players).filter(({ online }) => online).length);
    write(byId("latency"), view.latency === undefined ? "" : `${Math.round(view.latency)} ms`);
  });
}

// How long an answer takes is known without anything in the room having changed.
setInterval(changed, 1000);

const WORDS = { connecting: "Connecting …", open: "Online", reconnecting: "Reconnecting …", closed: "Offline" };

function showStatus({ phase, reason, code }: Status): void {
  document.body.dataset["phase"] = phase;
  write(byId("status"), reason ? `${WORDS[phase]} ${phase === "closed" ? "– " : ""}${reason}` : WORDS[phase]);
  byId<HTMLInputElement>("say").disabled = phase !== "open";
  if (phase === "closed") shards.hide();
  if (code === undefined) return;
  // The client does not reconnect: the player has to.
  if (code === NOT_AUTHENTICATED) forgetSession();
  ask(`${reason} (${code})`);
}

/** The room of the page's address. */
function roomOfPage(): string | undefined {
  let room: string;
  try {
    room = decodeURIComponent(location.hash.slice(1));
  } catch {
    return undefined;
  }
  return ROOM.test(room) ? room : undefined;
}

function enter(room: string, session: Session): void {
  game?.leave();
  game = undefined;
  walker.stop();
  history.replaceState(null, "", `#${encodeURIComponent(room)}`);
  write(byId("room"), room);
  document.title = `${room} · Coin Meadow`;
  dialog.close();
  game = connectGame(room, session, {
    status: showStatus,
    change: changed,
    refused: (message) => toast(message, "bad"),
    arrived: (shard) => shards.show(`game-${room}`, shard),
    found: ({ name, worth }) => toast(`You found the ${name}: +${worth}`, "good"),
  });
}

/** Asks for the player's name and the room. */
function ask(problem = ""): void {
  write(byId("join-problem"), problem);
  nameInput.value ||= loadSession()?.name ?? lastName();
  roomInput.value = roomOfPage() ?? DEFAULT_ROOM;
  if (!dialog.open) dialog.showModal();
}

async function join(via: Via): Promise<void> {
  const room = roomInput.value.trim();
  if (!ROOM.test(room)) return ask("A room has 1 to 32 letters, digits, - and _");
  try {
    enter(room, await login(nameInput.value.trim(), via));
  } catch (error) {
    write(byId("join-problem"), (error as Error).message);
  }
}

byId<HTMLFormElement>("join-form").addEventListener("submit", (event) => {
  event.preventDefault();
  void join((event.submitter as HTMLButtonElement | null)?.value === "world" ? "world" : "room");
});
// The page has nothing to show without a room.
dialog.addEventListener("cancel", (event) => event.preventDefault());
byId("leave").addEventListener("click", () => {
  game?.leave();
  ask();
});
byId("invite").addEventListener("click", () => {
  navigator.clipboard.writeText(location.href).then(
    () => toast("The link to this room is copied: send it to a friend", "good"),
    () => toast("Copy the address of this page to invite a friend", "good"),
  );
});
window.addEventListener("hashchange", start);

/** Goes on where this tab was, or asks. */
function start(): void {
  const session = loadSession();
  const room = roomOfPage();
  if (session && room) enter(room, session);
  else ask();
}
start();
