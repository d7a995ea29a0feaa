import { computed, signal } from "@signe/reactive";
import * as z from "zod";
import { collection, connected, defineRoom, id, RoomError, sync, users } from "../index.ts";
import { CHAT_LENGTH, COLOURS, FIELD, LONGEST_NAME, LONGEST_TEXT, step, TREASURE_WORTH } from "./rules.ts";
import type { ChatMessage, Colour, Treasure } from "./rules.ts";

const COINS = 14;
/** One coin in so many is a gem. */
const GEM_CHANCE = 1 / 5;
const GEM_WORTH = 3;

/** Letters and digits of any script, with what stands between them. */
export const playerName = z
  .string()
  .trim()
  .min(1, "A name has at least one character")
  .max(LONGEST_NAME, `A name has ${LONGEST_NAME} characters at most`)
  .regex(
    /^[\p{L}\p{M}\p{N}]([\p{L}\p{M}\p{N} ._'’-]*[\p{L}\p{M}\p{N}.])?$/u,
    "A name has letters, digits, spaces and . _ ' - only",
  );

class Player {
  id = id();
  name = sync(signal(""));
  colour = sync(signal<Colour>("coral"));
  x = sync(signal(0));
  y = sync(signal(0));
  score = sync(signal(0));
  online = connected();
  /** Only its owner is ever sent it. */
  treasure = sync(signal<Treasure>({ name: "", x: 0, y: 0 }), { visibleTo: "owner" });
}

const coin = () => ({ x: sync(signal(0)), y: sync(signal(0)), worth: sync(signal(1)) });

function createState() {
  const players = users(Player);
  return {
    players,
    coins: collection(coin),
    chat: sync(signal<ChatMessage[]>([])),
    leader: sync(computed(() => leaderOf(Object.values(players())))),
  };
}
type State = ReturnType<typeof createState>;

const oneStep = z.int().min(-1).max(1);

/** Walk over a meadow, collect coins, find your hidden treasure, and talk about it. */
export const gameRoom = defineRoom({
  path: "game-{id}",
  auth: "required",
  maxUsers: 32,
  maxMessageBytes: 4096,
  state: createState,
  events: { found: z.object({ name: z.string(), worth: z.number() }) },

  onStart({ state }) {
    while (Object.keys(state.coins()).length < COINS) dropCoin(state);
  },

  onJoin({ user, auth, state }) {
    const name = playerName.safeParse(auth?.["name"]);
    if (!name.success) throw new RoomError("forbidden", "The token has no name for a player");
    if (user.name() === "") placeNewPlayer(user, state);
    user.name.set(name.data);
  },

  actions: {
    move: {
      input: z.object({ dx: oneStep, dy: oneStep }),
      async run({ user, conn, state, room }, { dx, dy }) {
        const { x, y } = step({ x: user.x(), y: user.y() }, dx, dy);
        user.x.set(x);
        user.y.set(y);
        const found = takeTreasure(user, state);
        if (found) room.send(conn, { type: "found", value: { name: found, worth: TREASURE_WORTH } });
        // A coin that a client has seen is kept, even if the machine stops right now.
        if (takeCoins(user, state) || found) await room.flush();
      },
    },
    say: {
      input: z.string().trim().min(1).max(LONGEST_TEXT),
      run({ user, state }, text) {
        const message = {
          id: crypto.randomUUID(),
          by: user.id,
          name: user.name(),
          colour: user.colour(),
          text,
          at: Date.now(),
        };
        state.chat.update((chat) => [...chat, message].slice(-CHAT_LENGTH));
      },
    },
    paint: {
      input: z.enum(COLOURS),
      run({ user }, colour) {
        user.colour.set(colour);
      },
    },
  },

  requests: {
    "GET /status": {
      run({ state, room }) {
        const players = Object.values(state.players());
        return {
          room: room.params["id"],
          players: players.length,
          online: players.filter((player) => player.online()).length,
          coins: Object.keys(state.coins()).length,
          leader: players.find((player) => player.id === state.leader())?.name() ?? null,
        };
      },
    },
  },
});

/** Gives a new player a place, a colour that few others have, and a treasure to look for. */
function placeNewPlayer(player: Player, state: State): void {
  const others = Object.values(state.players()).filter((other) => other !== player);
  const wearers = (colour: Colour) => others.filter((other) => other.colour() === colour).length;
  player.colour.set(COLOURS.reduce((best, colour) => (wearers(colour) < wearers(best) ? colour : best)));
  const { x, y } = freeTile(state);
  player.x.set(x);
  player.y.set(y);
  hideTreasure(player, state);
}

function leaderOf(players: Player[]): string | null {
  let leader: Player | undefined;
  for (const player of players) if (player.score() > (leader?.score() ?? 0)) leader = player;
  return leader?.id ?? null;
}

/** @returns whether there was a coin */
function takeCoins(player: Player, state: State): boolean {
  const coins = state.coins();
  const here = Object.keys(coins).filter((key) => isAt(coins[key], player.x(), player.y()));
  for (const key of here) {
    const worth = coins[key]?.worth() ?? 0;
    player.score.update((score) => score + worth);
    delete coins[key];
    dropCoin(state);
  }
  return here.length > 0;
}

function dropCoin(state: State): void {
  const { x, y } = freeTile(state);
  const dropped = coin();
  dropped.x.set(x);
  dropped.y.set(y);
  if (Math.random() < GEM_CHANCE) dropped.worth.set(GEM_WORTH);
  state.coins()[crypto.randomUUID()] = dropped;
}

/** @returns the name of what was found, and hides the next one */
function takeTreasure(player: Player, state: State): string | undefined {
  const { name, x, y } = player.treasure();
  if (player.x() !== x || player.y() !== y) return undefined;
  player.score.update((score) => score + TREASURE_WORTH);
  hideTreasure(player, state);
  return name;
}

const KINDS = ["amber", "brass", "crystal", "frosty", "humming", "ivory", "midnight", "opal", "silver", "velvet"];
const THINGS = ["acorn", "bell", "compass", "feather", "key", "lantern", "locket", "mirror", "teapot", "whistle"];

function hideTreasure(player: Player, state: State): void {
  const taken = new Set(Object.values(state.players()).map((other) => other.treasure().name));
  const names = KINDS.flatMap((kind) => THINGS.map((thing) => `${kind} ${thing}`)).filter((name) => !taken.has(name));
  player.treasure.set({ name: pick(names), ...freeTile(state) });
}

/** A tile without a coin or a player. */
function freeTile(state: State): { x: number; y: number } {
  const things = [...Object.values(state.coins()), ...Object.values(state.players())];
  const tiles = Array.from({ length: FIELD.width * FIELD.height }, (_, index) => ({
    x: index % FIELD.width,
    y: Math.floor(index / FIELD.width),
  }));
  return pick(tiles.filter(({ x, y }) => !things.some((thing) => isAt(thing, x, y))));
}

function isAt(thing: { x(): number; y(): number } | undefined, x: number, y: number): boolean {
  return thing?.x() === x && thing.y() === y;
}

function pick<T>(items: readonly T[]): T {
  return items[Math.floor(Math.random() * items.length)] as T;
}
