import { computed, signal } from "@signe/reactive";
import * as z from "zod";
import { collection, defineRoom, near, sync, users } from "../index.ts";
import { MAP, onMap, SIGHT, STRIDE } from "./crowd-rules.ts";

const BOTS = 500;
const visibleTo = () => near({ x: "x", y: "y", radius: SIGHT });

class Walker {
  x = sync(signal(0));
  y = sync(signal(0));
}

/** A user who walks on the map. */
const bot = () => ({ x: sync(signal(0)), y: sync(signal(0)) });
type Bot = ReturnType<typeof bot>;

function createState() {
  const walkers = users(Walker, { visibleTo: visibleTo() });
  const bots = collection(bot, { persist: false, visibleTo: visibleTo() });
  return {
    walkers,
    bots,
    /** How many there are in all: the one thing that everybody knows. */
    total: sync(computed(() => Object.keys(walkers()).length + Object.keys(bots()).length)),
  };
}
const oneStep = z.int().min(-1).max(1);

/** A map that is larger than the window, with a crowd of users. Each user sees only those who are near. */
export const crowdRoom = defineRoom({
  path: "crowd-{id}",
  maxUsers: 100,
  throttleSync: 50,
  state: createState,
  tick: { hz: 10, run: ({ state }) => Object.values(state.bots()).forEach(wander) },

  onStart({ state }) {
    for (let index = 0; index < BOTS; index++) {
      const one = bot();
      one.x.set(Math.round(Math.random() * MAP));
      one.y.set(Math.round(Math.random() * MAP));
      state.bots()[`bot-${index}`] = one;
    }
  },
  onJoin({ user, state }) {
    // Each begins elsewhere, out of sight of the others.
    const place = Object.keys(state.walkers()).length;
    user.x.set(250 + (place % 4) * 500);
    user.y.set(250 + (Math.floor(place / 4) % 4) * 500);
  },

  actions: {
    move: {
      input: z.object({ dx: oneStep, dy: oneStep }),
      run({ user }, { dx, dy }) {
        user.x.update((x) => onMap(x + dx * STRIDE));
        user.y.update((y) => onMap(y + dy * STRIDE));
      },
    },
  },
});

function wander({ x, y }: Bot): void {
  x.update((before) => onMap(before + Math.round(Math.random() * 14 - 7)));
  y.update((before) => onMap(before + Math.round(Math.random() * 14 - 7)));
}
