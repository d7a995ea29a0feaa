import { defineRoom, RoomError, signal, sync, users } from "../../src/index.ts";
import type { RoomHandle } from "../../src/index.ts";
import * as z from "zod";

const TURN = 30_000;

class Seat {
  played = sync(signal<string[]>([]));
}
const makeState = () => ({
  seats: users(Seat),
  order: sync(signal<string[]>([])), // public ids, in the order in which they play
  turn: sync(signal("")), // whose turn it is
  endsAt: sync(signal(0)),
});
type State = ReturnType<typeof makeState>;

/** The next one's turn begins, and ends after 30 seconds at the latest. */
function pass(state: State, room: RoomHandle): void {
  const order = state.order();
  const next = order[(order.indexOf(state.turn()) + 1) % order.length] ?? "";
  state.turn.set(next);
  if (next === "") return room.unschedule("skip");
  state.endsAt.set(Date.now() + TURN);
  room.schedule("skip", TURN);
}

export const cards = defineRoom({
  path: "cards-{id}",
  state: makeState,
  onJoin({ state, room, conn }) {
    if (state.order().includes(conn.publicId)) return; // they came back
    state.order.set([...state.order(), conn.publicId]);
    if (state.turn() === "") pass(state, room);
  },
  onLeave({ state, room, conn }) {
    if (state.turn() === conn.publicId) pass(state, room);
    state.order.set(state.order().filter((publicId) => publicId !== conn.publicId));
    if (state.order().length === 0) state.turn.set("");
  },
  actions: {
    play: {
      input: z.string(),
      run({ state, room, user, conn }, card) {
        if (state.turn() !== conn.publicId) throw new RoomError("forbidden", "It is not your turn");
        user.played.set([...user.played(), card]);
        pass(state, room);
      },
    },
  },
  schedules: {
    skip: { run: ({ state, room }) => pass(state, room) },
  },
});
