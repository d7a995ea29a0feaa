import { defineRoom, persist, requireAuth, signal, sync, users } from "../../src/index.ts";
import * as z from "zod";

class Player {
  score = sync(signal(0));
}

/** A game, which tells the profile of each user that they were here. */
export const match = defineRoom({
  path: "match-{id}",
  guards: [requireAuth],
  state: () => ({ players: users(Player) }),
  onJoin({ room, conn, auth }) {
    const visit = { sub: String(auth?.["sub"]), publicId: conn.publicId };
    room.schedule("visited", 0, visit, { key: conn.publicId }); // repeated until the profile has stored it
  },
  schedules: {
    visited: {
      payload: z.object({ sub: z.string(), publicId: z.string() }),
      run: async ({ room }, { sub, publicId }) =>
        void (await room.call({ party: "profiles", id: `profile-${sub}` }, "visited", publicId)),
    },
  },
  actions: {
    forget: { from: "rooms", input: z.string(), run: ({ room }, publicId) => room.forget(publicId) },
  },
});

interface Visit {
  readonly party: string;
  readonly id: string;
  readonly publicId: string;
}

/** What the service knows of one user: where they were. Only they can ask it. */
export const profile = defineRoom({
  path: "profile-{sub}",
  guards: [requireAuth, ({ auth, room }) => auth?.["sub"] === room.params["sub"]],
  throttleStorage: 0,
  state: () => ({ visits: persist(signal<Visit[]>([])) }),
  actions: {
    visited: {
      from: "rooms",
      input: z.string(),
      run({ state, caller }, publicId) {
        const others = state.visits().filter((visit) => visit.id !== caller.id || visit.publicId !== publicId);
        state.visits.set([...others, { ...caller, publicId }]);
      },
    },
  },
  requests: {
    "DELETE /": {
      async run({ state, room }) {
        for (const visit of state.visits()) await room.call(match, visit, "forget", visit.publicId);
        room.destroy({ reason: "deleted" });
        return { deleted: state.visits().length };
      },
    },
  },
});
