import { connectRoom, tabSession, tabStorage } from "durable-rooms/client";
import { fits, rankOf, suitOf } from "../src/deck";
import type { tableRoom } from "../src/table-room";

const SUITS: Record<string, string> = { S: "♠", H: "♥", D: "♦", C: "♣" };
const NAMES: Record<string, string> = { S: "spades", H: "hearts", D: "diamonds", C: "clubs" };

const at = <T extends HTMLElement = HTMLElement>(id: string) => document.getElementById(id) as T;
const name = at<HTMLInputElement>("name");
const [deal, deck] = [at<HTMLButtonElement>("deal"), at<HTMLButtonElement>("deck")];

if (!location.hash) location.hash = `table-${Math.random().toString(36).slice(2, 7)}`;
const table = connectRoom<typeof tableRoom>({
  host: location.host,
  room: location.hash.slice(1),
  id: tabSession(),
});
let refusal = "";
/** Why the room closed the connection. */
let end = "";

/** Shows the reason if a move is refused. */
function ask(move: Promise<unknown>): void {
  refusal = "";
  move.catch(({ message }: Error) => {
    refusal = message;
    draw();
  });
}

/** Draws the page. Everything that it shows follows from the state. */
function draw(): void {
  const { state, publicId = "", status } = table;
  if (!state.players) return;
  const { top, turn, winner, order, players, left } = state;
  const isMine = turn === publicId;
  const present = Object.entries(players).filter(([id, player]) => player.online || order.includes(id));
  at("others").replaceChildren(
    ...present
      .filter(([id]) => id !== publicId)
      .map(([id, player]) => {
        const backs = make("span", "backs", ...Array.from({ length: player.count }, () => make("i", "")));
        const row = make("li", `${id === turn ? "turn" : ""} ${player.online ? "" : "away"}`, player.name, backs);
        row.append(make("small", "", note(id, player.online, player.count)));
        return row;
      }),
  );
  at("middle").hidden = top === null;
  at("left").textContent = String(left);
  if (top !== null) at("top").replaceChildren(face("div", top));
  const hand = players[publicId]?.hand ?? [];
  at("hand").replaceChildren(
    ...hand.map((card) => {
      const button = face("button", card) as HTMLButtonElement;
      button.disabled = !isMine || top === null || !fits(card, top);
      button.onclick = () => ask(table.call("play", card));
      return make("li", "", button);
    }),
  );
  deck.disabled = !isMine;
  deal.hidden = turn !== null;
  deal.disabled = present.filter(([, player]) => player.online).length < 2;
  document.body.classList.toggle("mine", isMine);
  const word = status === "closed" ? end : "Reconnecting …";
  at("message").textContent = status === "open" ? refusal || say(turn, winner, publicId) : word;
}

function note(id: string, isOnline: boolean, count: number): string {
  const { order, winner } = table.state;
  if (id === winner) return "won";
  if (!isOnline) return "away";
  if (!order.includes(id)) return order.length > 0 ? "watches" : "is here";
  return count === 1 ? "1 card" : `${count} cards`;
}

function say(turn: string | null, winner: string | null, publicId: string): string {
  const nameOf = (id: string) => table.state.players[id]?.name ?? "Somebody";
  if (winner !== null) return winner === publicId ? "You won!" : `${nameOf(winner)} won.`;
  if (turn === null)
    return deal.disabled ? "Send the address of this page to somebody to play with." : "Everybody here?";
  const seconds = Math.max(0, Math.ceil((table.state.until - Date.now()) / 1000));
  return turn === publicId
    ? `Your turn: play a card, or take one. ${seconds} s`
    : `${nameOf(turn)}’s turn. ${seconds} s`;
}

function face(tag: string, card: string): HTMLElement {
  const suit = suitOf(card);
  const element = make(tag, `card ${"HD".includes(suit) ? "red" : ""}`, rankOf(card), make("b", "", SUITS[suit] ?? ""));
  element.setAttribute("aria-label", `${rankOf(card)} of ${NAMES[suit]}`);
  return element;
}

function make(tag: string, className: string, ...children: (Node | string)[]): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...children);
  return element;
}

name.value = tabStorage.getItem("name") ?? `Player ${Math.ceil(Math.random() * 99)}`;
name.onchange = () => {
  tabStorage.setItem("name", name.value);
  table.emit("rename", name.value);
};
table.emit("rename", name.value);
deal.onclick = () => ask(table.call("deal"));
deck.onclick = () => ask(table.call("draw"));
table.subscribe(draw);
table.on("status", draw);
table.on("closed", ({ reason }) => {
  end = reason;
  draw();
});
setInterval(draw, 1000);
addEventListener("hashchange", () => location.reload());
