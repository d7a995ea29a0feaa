import { computed, connected, defineRoom, persist, RoomError, signal, sync, users } from "durable-rooms";
import type { RoomHandle } from "durable-rooms";
import * as z from "zod";
import { fits, newDeck, shuffle } from "./deck";
import type { Card } from "./deck";

const HAND = 5;
/** The time for a turn, in ms. The turn of a disconnected player ends sooner. */
const TURN = 30_000;
const AWAY = 5000;

class Player {
  name = sync(signal("Somebody"));
  /** Only its owner receives it. */
  hand = sync(signal<Card[]>([]), { visibleTo: "owner" });
  /** Everybody may know the number of cards. */
  count = sync(computed(() => this.hand().length));
  online = connected();
}
const makeState = () => ({
  /** Cards that are face down: they are stored, but never sent. */
  deck: persist(signal<Card[]>([])),
  /** The cards under the top card. They are shuffled when the deck is used up. */
  played: persist(signal<Card[]>([])),
  top: sync(signal<Card | null>(null)),
  left: sync(signal(0)),
  /** The players in the order of their turns. All other users watch. */
  order: sync(signal<string[]>([])),
  turn: sync(signal<string | null>(null)),
  /** When the turn ends, in ms since 1970. */
  until: sync(signal(0)),
  winner: sync(signal<string | null>(null)),
  players: users(Player),
});
type State = ReturnType<typeof makeState>;

/** Crazy eights for two to five players. */
export const tableRoom = defineRoom({
  path: "table-{id}",
  throttleStorage: 0, // a card that was played stays played after a crash
  state: makeState,

  onJoin({ state, conn, room }) {
    const player = state.turn();
    // A player who returns during their turn gets the whole time again. If all players had left, the game continues.
    if (player !== null && (player === conn.publicId || room.schedules.length === 0)) startTurn(state, room, player);
  },
  onLeave({ state, conn, room }) {
    if (state.turn() === conn.publicId) room.schedule("timeout", AWAY);
  },
  schedules: {
    timeout: {
      run({ state, room }) {
        const player = state.turn();
        const isWatched = Object.values(state.players()).some(({ online }) => online());
        if (player === null || !isWatched) return;
        draw(state, player);
        next(state, room);
      },
    },
  },

  actions: {
    rename: { input: z.string().trim().min(1).max(20), run: ({ user }, name) => user.name.set(name) },
    deal: {
      run({ state, room }) {
        if (state.turn() !== null) throw new RoomError("forbidden", "A game is on");
        const online = Object.keys(state.players()).filter((id) => state.players()[id]?.online());
        if (online.length < 2) throw new RoomError("forbidden", "It takes two to play");
        deal(state, shuffle(online).slice(0, 5));
        startTurn(state, room, state.order()[0] as string);
      },
    },
    play: {
      input: z.string(),
      run({ state, user, conn, room }, card) {
        checkTurn(state, conn.publicId);
        const top = state.top() as Card;
        if (!user.hand().includes(card)) throw new RoomError("forbidden", "You do not have this card");
        if (!fits(card, top)) throw new RoomError("forbidden", "It fits neither suit nor rank");
        user.hand.set(user.hand().filter((other) => other !== card));
        state.played.update((played) => [...played, top]);
        state.top.set(card);
        if (user.hand().length > 0) return next(state, room);
        state.winner.set(conn.publicId);
        state.turn.set(null);
        room.unschedule("timeout");
      },
    },
    draw: {
      run({ state, conn, room }) {
        checkTurn(state, conn.publicId);
        draw(state, conn.publicId);
        next(state, room);
      },
    },
  },
});

function checkTurn(state: State, publicId: string): void {
  if (state.turn() !== publicId) throw new RoomError("forbidden", "It is not your turn");
}

function deal(state: State, order: string[]): void {
  const deck = newDeck();
  for (const [id, player] of Object.entries(state.players())) {
    player.hand.set(order.includes(id) ? deck.splice(0, HAND) : []);
  }
  state.order.set(order);
  state.winner.set(null);
  state.played.set([]);
  state.top.set(deck.pop() as Card);
  state.deck.set(deck);
  state.left.set(deck.length);
}

/** Takes a card. If the deck is used up, the played cards become the deck. If there are none, nothing is taken. */
function draw(state: State, publicId: string): void {
  if (state.deck().length === 0) {
    state.deck.set(shuffle(state.played()));
    state.played.set([]);
  }
  const [card, ...deck] = state.deck();
  if (card === undefined) return;
  state.deck.set(deck);
  state.left.set(deck.length);
  const hand = state.players()[publicId]?.hand;
  hand?.set([...hand(), card]);
}

/** Gives the turn to the next player who still has a session. */
function next(state: State, room: RoomHandle): void {
  const order = state.order();
  const from = order.indexOf(state.turn() ?? "");
  const following = [...order.slice(from + 1), ...order.slice(0, from + 1)];
  const player = following.find((id) => state.players()[id]);
  if (player === undefined) state.turn.set(null);
  else startTurn(state, room, player);
}

function startTurn(state: State, room: RoomHandle, player: string): void {
  const time = state.players()[player]?.online() ? TURN : AWAY;
  state.turn.set(player);
  state.until.set(Date.now() + time);
  // The schedule wakes the room if it sleeps by then.
  room.schedule("timeout", time);
}
