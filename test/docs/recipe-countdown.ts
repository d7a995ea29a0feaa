import { defineRoom, signal, sync, users } from "../../src/index.ts";

class Racer {
  isReady = sync(signal(false));
}

export const start = defineRoom({
  path: "start-{id}",
  state: () => ({
    racers: users(Racer),
    startsAt: sync(signal(0)), // ms since 1970; 0 while nobody counts
    isRunning: sync(signal(false)),
  }),
  actions: {
    ready: {
      run({ user, state, room }) {
        user.isReady.set(true);
        const isEveryoneReady = Object.values(state.racers()).every((racer) => racer.isReady());
        if (!isEveryoneReady || state.isRunning()) return;
        state.startsAt.set(Date.now() + 5000);
        room.schedule("go", 5000); // also if the room restarts meanwhile
      },
    },
    wait: {
      run({ user, state, room }) {
        user.isReady.set(false);
        state.startsAt.set(0);
        room.unschedule("go");
      },
    },
  },
  schedules: {
    go: { run: ({ state }) => state.isRunning.set(true) },
  },
});
