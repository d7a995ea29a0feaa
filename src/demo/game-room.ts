import { computed, signal } from "@signe/reactive";
import { z } from "zod";
import { collection, connected, defineRoom, id, RoomError, sync, users } from "../index.ts";
import type { RoomHandle } from "../index.ts";

export const FIELD = { width: 900, height: 540 };
const COINS = 8;
const REACH = 30;
const MESSAGES = 50;
const COLOURS = ["#ff6b6b", "#f7b731", "#26de81", "#2bcbba", "#45aaf2", "#a55eea", "#fd79a8", "#e17055"];
const WORDS = ["lantern", "otter", "velvet", "comet", "thistle", "harbour", "saffron", "willow", "ember", "puddle"];

interface Message {
  readonly from: string;
  readonly text: string;
  readonly at: number;
}

class Player {
  id = id();
  name = sync(signal("?"));
  colour = sync(signal(pick(COLOURS)));
  x = sync(signal(within(FIELD.width)));
  y = sync(signal(within(FIELD.height)));
  score = sync(signal(0));
  online = connected();
  secret = sync(signal(pick(WORDS)), { visibleTo: "owner" });
}
const coin = () => ({ x: sync(signal(within(FIELD.width))), y: sync(signal(within(FIELD.height))) });

/** The game of the demo: walk about, collect coins, talk. */
export const gameRoom = defineRoom({
  path: "game-{id}",
  auth: "required",
  maxUsers: 50,

  state: () => {
    const players = users(Player);
    return {
      players,
      coins: collection(coin),
      messages: sync(signal<Message[]>([])),
      leader: sync(computed(() => leaderOf(Object.values(players())))),
    };
  },

  actions: {
    move: {
      input: z.object({ x: z.number().min(0).max(FIELD.width), y: z.number().min(0).max(FIELD.height) }),
      run({ user, state, room }, { x, y }) {
        user.x.set(Math.round(x));
        user.y.set(Math.round(y));
        for (const [key, { x: coinX, y: coinY }] of Object.entries(state.coins())) {
          if (Math.hypot(coinX() - x, coinY() - y) > REACH) continue;
          delete state.coins()[key];
          user.score.update((score) => score + 1);
          room.broadcast({ type: "collected", value: { by: user.id, x: coinX(), y: coinY() } });
        }
        scatter(state.coins());
      },
    },
    say: {
      input: z.string().trim().min(1).max(200),
      run({ user, state }, text) {
        state.messages.update((messages) =>
          [...messages, { from: user.name(), text, at: Date.now() }].slice(-MESSAGES),
        );
      },
    },
    guess: {
      input: z.object({ player: z.string(), word: z.string().trim().toLowerCase().max(20) }),
      run({ user, state }, { player, word }) {
        const other = state.players()[player];
        if (!other || other === user) throw new RoomError("invalid_input", "Guess the word of another player");
        if (other.secret() !== word) return false;
        other.secret.set(pick(WORDS));
        user.score.update((score) => score + 5);
        return true;
      },
    },
  },

  requests: {
    "GET /status": {
      run({ state, room }) {
        const players = Object.values(state.players());
        return { room: room.id, players: players.length, online: players.filter((player) => player.online()).length };
      },
    },
  },

  onStart({ state }) {
    scatter(state.coins());
  },
  onJoin({ user, auth, room, state }) {
    if (typeof auth?.["name"] === "string") user.name.set(auth["name"]);
    announce(room, `${user.name()} is here`);
    scatter(state.coins());
  },
  onLeave({ user, room }) {
    announce(room, `${user.name()} left`);
  },
});

function announce(room: RoomHandle, text: string): void {
  room.broadcast({ type: "news", value: text });
}

/** Keeps the field full of coins. */
function scatter(coins: Record<string, ReturnType<typeof coin>>): void {
  while (Object.keys(coins).length < COINS) coins[crypto.randomUUID().slice(0, 8)] = coin();
}

function leaderOf(players: readonly Player[]): string | null {
  const best = players.toSorted((a, b) => b.score() - a.score())[0];
  return best && best.score() > 0 ? best.name() : null;
}

function pick<T>(items: readonly T[]): T {
  return items[within(items.length - 1)] as T;
}

function within(most: number): number {
  return (crypto.getRandomValues(new Uint32Array(1))[0] as number) % (most + 1);
}
