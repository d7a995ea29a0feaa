import { defineRoom, requireAuth, requireClaim, requireSession, signal, sync } from "../../src/index.ts";
import type { Guard } from "../../src/index.ts";

const makeState = () => ({ pot: sync(signal(0)) });
type State = ReturnType<typeof makeState>;

const isGrownUp: Guard = ({ auth }) => Number(auth?.["age"]) >= 18;

/** One that reads the state says which. Written inside of the definition, it needs no type. */
const isOpen: Guard<State> = ({ state }) => state.pot() < 1000;

/** Says why. Only a request can be answered so. */
const isLocal: Guard = ({ request }) =>
  request?.headers.get("x-secret") === "xyzzy" || Response.json({ error: "Say the word" }, { status: 418 });

export const casino = defineRoom({
  path: "casino-{id}",
  guards: [requireAuth], // asked for every connection, message and request
  state: makeState,
  actions: {
    bet: {
      guards: [isGrownUp, isOpen, requireSession], // in order; the first false refuses
      run: ({ state }) => state.pot.update((pot) => pot + 1),
    },
    empty: {
      guards: [requireClaim("role", "admin")],
      run: ({ state }) => state.pot.set(0),
    },
  },
  requests: {
    "GET /pot": { guards: [isLocal], run: ({ state }) => ({ pot: state.pot() }) },
  },
});
