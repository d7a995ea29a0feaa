import { defineRoom, signal, sync, users } from "../../src/index.ts";
import * as z from "zod";

interface Score {
  readonly game: string;
  readonly name: string;
  readonly points: number;
}

export const leaderboard = defineRoom({
  path: "board-{id}",
  throttleStorage: 0, // what was answered is stored
  state: () => ({ best: sync(signal<Score[]>([])) }),
  actions: {
    add: {
      from: "rooms", // no client can call it
      input: z.object({ game: z.string(), players: z.array(z.object({ name: z.string(), points: z.number() })) }),
      run({ state }, { game, players }) {
        const others = state.best().filter((score) => score.game !== game); // a call that is repeated changes nothing
        const added = players.map((player) => ({ ...player, game }));
        state.best.set([...others, ...added].toSorted((a, b) => b.points - a.points).slice(0, 100));
      },
    },
  },
});

class Player {
  name = sync(signal("?"));
  points = sync(signal(0));
}
const boards = { party: "boards", id: "board-all" };

export const round = defineRoom({
  path: "round-{id}",
  state: () => ({ players: users(Player) }),
  actions: {
    score: { run: ({ user }) => user.points.update((points) => points + 1) },
    finish: { run: ({ room }) => room.schedule("report", 0) },
  },
  schedules: {
    // Repeated until the leaderboard has answered, even if this room restarts meanwhile.
    report: {
      async run({ state, room }) {
        const players = Object.values(state.players()).map((player) => ({
          name: player.name(),
          points: player.points(),
        }));
        await room.call(leaderboard, boards, "add", { game: room.id, players });
      },
    },
  },
});
