import { computed, defineRoom, signal, sync, users } from "../../src/index.ts";

class Runner {
  name = sync(signal("?"));
  points = sync(signal(0));
}

export const race = defineRoom({
  path: "race-{id}",
  state: () => {
    const runners = users(Runner, { visibleTo: "owner" }); // each sees their own
    const best = computed(() =>
      Object.values(runners())
        .map((runner) => ({ name: runner.name(), points: runner.points() }))
        .toSorted((a, b) => b.points - a.points)
        .slice(0, 10),
    );
    return { runners, best: sync(best) }; // and all see the best ten
  },
  actions: {
    score: { run: ({ user }) => user.points.update((points) => points + 1) },
  },
});
