import { FIELD } from "../rules.ts";
import type { Tile } from "../rules.ts";
import { byId, createList, make, part, write } from "./dom.ts";
import type { CoinView, GameView, PlayerView } from "./view.ts";

const FLOWERS = 46;

function put(element: HTMLElement, { x, y }: Tile): void {
  element.style.setProperty("--x", String(x));
  element.style.setProperty("--y", String(y));
}

/** Prepares the field. Returns what draws a view on it. */
export function createField(): (view: GameView) => void {
  const field = byId("field");
  field.style.setProperty("--columns", String(FIELD.width));
  field.style.setProperty("--rows", String(FIELD.height));
  plantFlowers(byId("ground"));
  const drawCoins = createList<CoinView>(byId("coins"), { create: createCoin, update: put, remove: vanish });
  const drawPlayers = createList<PlayerView & { isMe: boolean; leads: boolean }>(byId("players"), {
    create: createPlayer,
    update: updatePlayer,
  });
  const chest = byId("chest");
  return (view) => {
    const { pId, leader, coins, players } = view;
    drawCoins(Object.entries(coins));
    drawPlayers(
      Object.entries(players).map(([key, player]) => [key, { ...player, isMe: key === pId, leads: key === leader }]),
    );
    const treasure = view.me?.treasure;
    chest.hidden = !treasure;
    if (treasure) put(chest, treasure);
  };
}

/** The tile at a point of the screen. */
export function tileAt(clientX: number, clientY: number): Tile {
  const { left, top, width, height } = byId("ground").getBoundingClientRect();
  return {
    x: Math.floor(((clientX - left) / width) * FIELD.width),
    y: Math.floor(((clientY - top) / height) * FIELD.height),
  };
}

function createCoin({ worth }: CoinView): HTMLElement {
  const element = make("div", worth > 1 ? "thing coin gem" : "thing coin", make("div", "disc"));
  element.dataset["worth"] = String(worth);
  return element;
}

/** A player took the coin: its worth is shown for a moment. */
function vanish(coin: HTMLElement): void {
  coin.classList.remove("coin");
  coin.classList.add("taken");
  coin.replaceChildren(make("span", "plus", `+${coin.dataset["worth"]}`));
  // A hidden page plays no animation, and the list of changes may be long.
  if (document.hidden) coin.remove();
  else setTimeout(() => coin.remove(), 900);
}

function createPlayer(): HTMLElement {
  const body = make("div", "body", make("i", "eye"), make("i", "eye"), make("i", "crown"));
  return make("div", "thing player", make("div", "shadow"), body, make("span", "label"));
}

function updatePlayer(element: HTMLElement, player: PlayerView & { isMe: boolean; leads: boolean }, key: string): void {
  const before = Number(element.style.getPropertyValue("--x"));
  if (player.x !== before) element.classList.toggle("left", player.x < before);
  put(element, player);
  element.dataset["player"] = key;
  element.dataset["colour"] = player.colour;
  element.classList.toggle("me", player.isMe);
  element.classList.toggle("leads", player.leads);
  element.classList.toggle("away", !player.online);
  // In the last rows there is no space for the name below the player.
  element.classList.toggle("low", player.y >= FIELD.height - 2);
  write(part(element, "label"), player.name);
}

/** Flowers grow where a fixed sequence says: the meadow is the same for everyone. */
function plantFlowers(ground: HTMLElement): void {
  for (let index = 1; index <= FLOWERS; index++) {
    const flower = make("i", `thing flower kind-${index % 4}`);
    put(flower, { x: scatter(index * 12.9898) * (FIELD.width - 1), y: scatter(index * 78.233) * (FIELD.height - 1) });
    ground.append(flower);
  }
}

/** A number from 0 to 1 that looks random, and is the same every time. */
function scatter(seed: number): number {
  const wave = Math.sin(seed) * 43_758.5453;
  return wave - Math.floor(wave);
}
