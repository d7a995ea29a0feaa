import { defineRoom, persist, requireAuth, signal, sync, users } from "../../src/index.ts";
import type { Connection, RoomHandle } from "../../src/index.ts";
import * as z from "zod";

class Member {
  isHost = sync(signal(false));
}

/** Closes all connections of a user. The client is told why, and does not connect again by itself. */
function close(room: RoomHandle, publicId: string, reason: string): Connection[] {
  const connections = room.connections.filter((conn) => conn.publicId === publicId);
  for (const conn of connections) conn.close(4403, reason);
  return connections;
}

export const club = defineRoom({
  path: "club-{id}",
  // Asked for everyone who connects, and for every message. `sub` is who they are, whatever connection they come with.
  guards: [requireAuth, ({ auth, state }) => !state.banned().includes(String(auth?.["sub"]))],
  state: () => ({ members: users(Member), banned: persist(signal<string[]>([])) }),
  onJoin({ user, state }) {
    const hasHost = Object.values(state.members()).some((member) => member.isHost());
    if (!hasHost) user.isHost.set(true);
  },
  actions: {
    kick: {
      input: z.string(),
      guards: [({ conn, state }) => state.members()[conn?.publicId ?? ""]?.isHost() === true],
      run: ({ room }, publicId) => void close(room, publicId, "The host removed you"),
    },
    ban: {
      input: z.string(),
      guards: [({ conn, state }) => state.members()[conn?.publicId ?? ""]?.isHost() === true],
      run({ state, room }, publicId) {
        const subjects = close(room, publicId, "The host banned you").map(({ auth }) => String(auth?.["sub"]));
        state.banned.set([...new Set([...state.banned(), ...subjects])]);
        room.forget(publicId);
      },
    },
  },
});
