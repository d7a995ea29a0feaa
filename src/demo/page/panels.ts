import { COLOURS, TREASURE_WORTH } from "../rules.ts";
import type { ChatMessage } from "../rules.ts";
import type { Game } from "./connection.ts";
import { byId, createList, make, part, write } from "./dom.ts";
import type { GameView, PlayerView } from "./view.ts";

interface Row extends PlayerView {
  readonly rank: number;
  readonly isMe: boolean;
  readonly leads: boolean;
}

/** The score board, the best player first. Returns a function that draws it. */
export function createBoard(): (view: GameView) => void {
  const list = byId("board");
  const draw = createList<Row>(list, { create: createRow, update: updateRow });
  return (view) => {
    const lead = (key: string) => Number(key === view.leader);
    const rows = Object.entries(view.players)
      .toSorted(
        ([a, one], [b, other]) => other.score - one.score || lead(b) - lead(a) || one.name.localeCompare(other.name),
      )
      .map(([key, player], index): [string, Row] => {
        return [key, { ...player, rank: index + 1, isMe: key === view.pId, leads: key === view.leader }];
      });
    slide(list, () => draw(rows));
    const online = rows.filter(([, row]) => row.online).length;
    write(byId("online"), `${online} online`);
  };
}

function createRow(): HTMLElement {
  const who = make("span", "who", make("span", "name"), make("span", "note"));
  return make("li", "row", make("span", "rank"), make("span", "dot"), who, make("span", "score"));
}

function updateRow(element: HTMLElement, row: Row, key: string): void {
  element.dataset["player"] = key;
  element.dataset["colour"] = row.colour;
  element.classList.toggle("me", row.isMe);
  element.classList.toggle("away", !row.online);
  element.classList.toggle("leads", row.leads);
  write(part(element, "rank"), String(row.rank));
  write(part(element, "name"), row.name);
  write(part(element, "note"), [row.isMe && "you", !row.online && "offline"].filter(Boolean).join(" · "));
  write(part(element, "score"), String(row.score));
}

/** Lets rows that change their place slide to it. */
function slide(list: HTMLElement, change: () => void): void {
  const rows = [...list.children].map((row) => ({ row, top: row.getBoundingClientRect().top }));
  change();
  for (const { row, top } of rows) {
    const distance = top - row.getBoundingClientRect().top;
    if (distance === 0 || !row.isConnected) continue;
    row.animate([{ transform: `translateY(${distance}px)` }, { transform: "none" }], {
      duration: 250,
      easing: "ease-out",
    });
  }
}

/** The chat: what was said, and a line to say something. Returns what draws it. */
export function createChat(game: () => Game | undefined): (view: GameView) => void {
  const log = byId("chat");
  const input = byId<HTMLInputElement>("say");
  const draw = createList<ChatMessage>(log, { create: createMessage, update: () => {} });
  byId<HTMLFormElement>("chat-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text === "" || !game()?.isOnline) return;
    game()?.say(text);
    input.value = "";
  });
  window.addEventListener("keydown", (event) => {
    const { activeElement } = document;
    if (event.key === "Escape" && activeElement === input) byId("field").focus({ preventScroll: true });
    if (event.key !== "Enter" || (activeElement !== document.body && activeElement?.id !== "field")) return;
    event.preventDefault();
    input.focus();
  });
  return (view) => {
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    draw(view.chat.map((message) => [message.id, message]));
    byId("quiet").hidden = view.chat.length > 0;
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  };
}

function createMessage({ name, colour, text, at }: ChatMessage): HTMLElement {
  const time = make("time", "", new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  const element = make("li", "message", make("span", "dot"), make("span", "by", name), time, make("p", "text", text));
  element.dataset["colour"] = colour;
  return element;
}

/** The private data of this player. Returns a function that draws it. */
export function createSecret(): (view: GameView) => void {
  return (view) => {
    const treasure = view.me?.treasure;
    write(byId("treasure"), treasure ? `The ${treasure.name}` : "…");
    write(
      byId("treasure-place"),
      treasure
        ? `Hidden in column ${treasure.x + 1}, row ${treasure.y + 1}: worth ${TREASURE_WORTH} to you alone.`
        : "",
    );
  };
}

/** The colours to choose from. Returns what draws which one is worn. */
export function createPalette(game: () => Game | undefined): (view: GameView) => void {
  const buttons = COLOURS.map((colour) => {
    const button = make("button", "swatch");
    button.dataset["colour"] = colour;
    button.title = colour;
    button.setAttribute("aria-label", `Wear ${colour}`);
    button.addEventListener("click", () => game()?.paint(colour));
    return button;
  });
  byId("palette").append(...buttons);
  return (view) => {
    for (const button of buttons)
      button.setAttribute("aria-pressed", String(button.dataset["colour"] === view.me?.colour));
  };
}

/** Shows a line of text for a few seconds. */
export function toast(text: string, kind: "good" | "bad"): void {
  const element = make("div", `toast ${kind}`, text);
  byId("toasts").append(element);
  setTimeout(() => element.remove(), 4000);
}
