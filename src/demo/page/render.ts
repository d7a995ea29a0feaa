import type { World } from "./world.ts";

export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`#${id} is missing`);
  return found as T;
}

/** Draws the world. Text goes in as text, never as markup. */
export function render(world: World, me: string): void {
  const players = Object.entries(world.players());
  const pieces = new Map<string, HTMLElement>();
  for (const [key, { x, y }] of Object.entries(world.coins()))
    pieces.set(`coin-${key}`, place(`coin-${key}`, "coin", x, y));
  for (const [key, player] of players) {
    const piece = place(`player-${key}`, "player", player.x, player.y);
    piece.classList.toggle("me", key === me);
    piece.classList.toggle("away", !player.online);
    piece.style.setProperty("--colour", player.colour);
    const label = piece.querySelector("span") ?? piece.appendChild(document.createElement("span"));
    setText(label, player.name);
    pieces.set(piece.id, piece);
  }
  for (const piece of element("field").querySelectorAll<HTMLElement>(":scope > :not(.burst)")) {
    if (!pieces.has(piece.id)) piece.remove();
  }
  const ranking = players.toSorted(([, a], [, b]) => b.score - a.score);
  element("players").replaceChildren(
    ...ranking.map(([, { name, colour, score, online }]) => {
      const row = make("li", make("i"), make("span", name), make("b", String(score)));
      row.classList.toggle("away", !online);
      row.style.setProperty("--colour", colour);
      return row;
    }),
  );
  const leader = world.leader();
  setText(element("leader"), leader === null ? "Nobody has a coin yet." : `${leader} leads.`);
  const secret = world.players()[me]?.secret;
  element("secret-card").hidden = secret === undefined;
  setText(element("secret"), secret ?? "");
  renderMessages(world);
}

function renderMessages(world: World): void {
  const list = element("messages");
  const messages = world.messages();
  const last = messages.at(-1);
  const version = `${messages.length} ${last?.at} ${last?.text}`;
  if (list.dataset["version"] === version) return;
  list.dataset["version"] = version;
  list.replaceChildren(...messages.map(({ from, text }) => make("li", make("b", from), text)));
  list.scrollTop = list.scrollHeight;
}

function place(id: string, kind: string, x: number, y: number): HTMLElement {
  let piece = document.getElementById(id);
  if (!piece) {
    piece = make("div");
    piece.id = id;
    piece.className = kind;
    element("field").append(piece);
  }
  piece.style.setProperty("--x", String(x));
  piece.style.setProperty("--y", String(y));
  return piece;
}

/** Where a coin was collected. */
export function burst(x: number, y: number): void {
  const star = make("div", "+1");
  star.className = "burst";
  star.style.setProperty("--x", String(x));
  star.style.setProperty("--y", String(y));
  element("field").append(star);
  star.addEventListener("animationend", () => star.remove());
}

export function news(text: string): void {
  const line = make("p", text);
  element("news").append(line);
  line.addEventListener("animationend", () => line.remove());
}

function make(tag: string, ...children: (Node | string)[]): HTMLElement {
  const node = document.createElement(tag);
  node.append(...children);
  return node;
}

function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}
