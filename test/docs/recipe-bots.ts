import { collection, defineRoom, signal, sync, users } from "../../src/index.ts";

const SEATS = 4;

class Body {
  x = sync(signal(0));
  speed = sync(signal(1));
}
const makeState = () => ({ drivers: users(Body), bots: collection(Body) });

export const track = defineRoom({
  path: "track-{id}",
  maxUsers: SEATS,
  state: makeState,
  onJoin: ({ state }) => fill(state),
  onLeave: ({ state }) => fill(state),
  tick: {
    hz: 10,
    run({ state }, elapsedMs) {
      for (const bot of Object.values(state.bots())) {
        bot.x.update((x) => x + (bot.speed() * elapsedMs) / 1000);
      }
    },
  },
});

/** Bots take the seats that are free. */
function fill({ drivers, bots }: ReturnType<typeof makeState>): void {
  const missing = SEATS - Object.keys(drivers()).length;
  for (let seat = 0; seat < SEATS; seat++) {
    const name = `bot-${seat}`;
    if (seat < missing && !(name in bots())) bots()[name] = new Body();
    if (seat >= missing) delete bots()[name];
  }
}
