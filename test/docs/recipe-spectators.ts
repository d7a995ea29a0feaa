import { defineRoom, signal, sync, users } from "../../src/index.ts";

class Fighter {
  health = sync(signal(100));
}

export const arena = defineRoom({
  path: "arena-{id}",
  maxUsers: 2,
  spectators: true, // they connect with connectRoom({ …, spectator: true })
  state: () => ({ fighters: users(Fighter) }),
  requests: {
    "GET /watching": { run: ({ room }) => room.connections.filter(({ isSpectator }) => isSpectator).length },
  },
});
