import { connected, defineRoom, RoomError, signal, sync, users } from "durable-rooms";
import type { RoomHandle } from "durable-rooms";
import * as z from "zod";

/** The number of taps that win. */
export const GOALS = { sprint: 20, marathon: 60 } as const;
export type Mode = keyof typeof GOALS;
export const SEATS = 4;
/** How long the result is shown, unless a player continues earlier. ms */
const REST = 15_000;

/** The public data of a match in the list of rooms. */
export interface MatchListing {
  mode: Mode;
  /** 1 to 5 */
  skill: number;
}

class Player {
  name = sync(signal("Somebody"));
  isReady = sync(signal(false));
  /** Whether the player was there when the race began. Only these players may return during the race. */
  isRacing = sync(signal(false));
  taps = sync(signal(0));
  online = connected();
}
const makeState = () => ({
  phase: sync(signal<"waiting" | "racing" | "over">("waiting")),
  winner: sync(signal<string | null>(null)),
  players: users(Player),
});
type State = ReturnType<typeof makeState>;

/** A race of taps for two to four players. Its id contains its kind, so that clients can ask the World for one. */
export const matchRoom = defineRoom({
  path: "match-{mode}-{skill}-{id}",
  maxUsers: SEATS,
  sessionExpiryTime: 30_000, // the seat of a player who left is soon free
  state: makeState,
  guards: [({ room }) => kindOf(room) !== undefined],

  onStart: list,
  onJoin({ state, user, conn }) {
    if (state.phase() === "waiting" || user.isRacing()) return;
    delete state.players()[conn.publicId];
    throw new RoomError("room_full", "The race has begun"); // 4503: the client asks findRoom for another race
  },
  onLeave({ state, user, room }) {
    user.isReady.set(false);
    if (state.phase() === "waiting") beginIfReady(state, room);
    else if (online(state).length === 0) reset(state, room);
  },

  // The remaining players may then race again, and others may join.
  schedules: {
    reset: {
      run({ state, room }) {
        if (state.phase() === "over") reset(state, room);
      },
    },
  },

  actions: {
    rename: { input: z.string().trim().min(1).max(20), run: ({ user }, name) => user.name.set(name) },
    ready: {
      input: z.boolean(),
      run({ state, user, room }, isReady) {
        if (state.phase() !== "waiting") throw new RoomError("forbidden", "The race has begun");
        user.isReady.set(isReady);
        beginIfReady(state, room);
      },
    },
    tap: {
      run({ state, user, conn, room }) {
        if (state.phase() !== "racing" || !user.isRacing()) throw new RoomError("forbidden", "There is no race");
        user.taps.update((taps) => taps + 1);
        if (user.taps() < GOALS[kindOf(room)?.mode ?? "sprint"]) return;
        state.winner.set(conn.publicId);
        state.phase.set("over");
        room.schedule("reset", REST);
      },
    },
    again: {
      run({ state, room }) {
        if (state.phase() === "over") reset(state, room);
      },
    },
  },
});

/** The kind of race that the room's id describes; undefined if the id is not valid. */
function kindOf(room: RoomHandle): MatchListing | undefined {
  const { mode = "", skill } = room.params;
  const level = Number(skill);
  if (!Object.hasOwn(GOALS, mode) || !Number.isInteger(level) || level < 1 || level > 5) return undefined;
  return { mode: mode as Mode, skill: level };
}

/** Updates the room's entry in the list. Without a change, this costs nothing. */
function list({ state, room }: { state: State; room: RoomHandle }): void {
  const kind = kindOf(room);
  if (kind) room.setListing({ ...kind }, { locked: state.phase() !== "waiting" });
}

function online(state: State): Player[] {
  return Object.values(state.players()).filter((player) => player.online());
}

function beginIfReady(state: State, room: RoomHandle): void {
  const players = online(state);
  if (players.length < 2 || !players.every((player) => player.isReady())) return;
  for (const player of players) {
    player.isRacing.set(true);
    player.taps.set(0);
  }
  state.phase.set("racing");
  list({ state, room });
}

function reset(state: State, room: RoomHandle): void {
  for (const player of Object.values(state.players())) {
    player.isRacing.set(false);
    player.isReady.set(false);
    player.taps.set(0);
  }
  state.winner.set(null);
  state.phase.set("waiting");
  list({ state, room });
}
