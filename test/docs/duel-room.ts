// duel-room.ts
import { connected, defineRoom, RoomError, signal, sync, users } from "../../src/index.ts";

class Fighter {
  plays = sync(signal(false));
  online = connected();
}
/** What is said of a duel in the list. Everybody can read it. */
export interface DuelListing {
  mode: string;
  level: number;
}

export const duelRoom = defineRoom({
  path: "duel-{mode}-{id}",
  maxUsers: 2,
  state: () => ({ fighters: users(Fighter), phase: sync(signal<"waiting" | "playing">("waiting")) }),
  onStart: ({ room }) => room.setListing({ mode: String(room.params["mode"]), level: 1 } satisfies DuelListing),
  // A locked room is passed over. Who comes all the same, and did not play, is told to look for another one (4503).
  onJoin({ state, user, conn }) {
    if (state.phase() === "waiting") return user.plays.set(true);
    if (user.plays()) return;
    delete state.fighters()[conn.publicId];
    throw new RoomError("room_full", "The duel has begun");
  },
  actions: {
    begin: {
      run({ state, room }) {
        state.phase.set("playing");
        room.setListing({ mode: String(room.params["mode"]), level: 1 } satisfies DuelListing, { locked: true });
      },
    },
    hide: { run: ({ room }) => room.setListing(null) }, // only who knows its id comes now
  },
});
