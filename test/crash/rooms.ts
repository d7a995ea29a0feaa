import { signal } from "@signe/reactive";
import * as z from "zod";
import { collection, connected, defineRoom, persist, sync, users } from "../../src/index.ts";
import { LAZY_MS, SCHEDULES } from "./settings.ts";

class Player {
  /** The name of the session, by which tests find the user in any room. */
  name = persist(signal(""));
  online = connected();
  /** The user's last line in a log. It is stored in another row than the log. */
  last = sync(signal({ room: "", at: 0 }));
}
const line = () => ({ text: sync(signal("")), boot: sync(signal("")) });
const stateOf = () => ({
  count: sync(signal(0)),
  /** The same number as `count` in another row: an action's changes must be stored together. */
  mirror: sync(signal({ count: 0 })),
  /** All lines by number, each in a row of its own. */
  log: collection(line),
  /** Lines up to this number were checked, and have been dropped. */
  base: sync(signal(0)),
  players: users(Player),
});
type State = ReturnType<typeof stateOf>;

/** Adds a line to the log. @returns its number */
function write(state: State, room: { env: object }, text: string): number {
  const at = state.count() + 1;
  const entry = line();
  entry.text.set(text);
  entry.boot.set((room.env as { BOOT: string }).BOOT);
  state.log()[at] = entry;
  state.mirror.set({ count: at });
  state.count.set(at);
  return at;
}

const text = z.string();
const plan = z.object({ line: text, name: z.enum(SCHEDULES), ms: z.number(), request: text });

function makeRoom(path: string, throttleStorage: number) {
  const ran = {
    run({ state, room }: { state: State; room: { env: object } }, payload: unknown) {
      const { name, request } = payload as z.infer<typeof plan>;
      write(state, room, `ran:${name}:${request}`);
    },
  };
  return defineRoom({
    path,
    throttleStorage,
    rateLimit: { messages: 10_000, per: 1000 },
    state: stateOf,
    schedules: Object.fromEntries(SCHEDULES.map((name) => [name, ran])),
    actions: {
      name: { input: text, run: ({ user }, name) => user.name.set(name) },
      add: {
        input: text,
        run({ state, room, user }, line) {
          const at = write(state, room, line);
          user.last.set({ room: room.id, at });
          return at;
        },
      },
      /** Writes its line after it has waited. */
      slow: {
        input: text,
        async run({ state, room }, line) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          return write(state, room, line);
        },
      },
      plan: {
        input: plan,
        run({ state, room }, payload) {
          room.schedule(payload.name, payload.ms, payload);
          return write(state, room, payload.line);
        },
      },
      cancel: {
        input: plan,
        run({ state, room }, { name, line }) {
          room.unschedule(name);
          return write(state, room, line);
        },
      },
      /** What it sets before it waits must be stored together, too. */
      slowly: {
        input: plan,
        async run({ state, room }, payload) {
          const at = write(state, room, payload.line);
          room.schedule(payload.name, payload.ms, payload);
          await new Promise((resolve) => setTimeout(resolve, 5));
          return at;
        },
      },
      go: { input: text, run: ({ room, conn }, to) => room.sessionTransfer(conn, to) },
    },
    requests: {
      "GET /dump": {
        run: ({ state, room }) => ({
          count: state.count(),
          mirror: state.mirror().count,
          base: state.base(),
          log: Object.entries(state.log()).map(([at, { text: line, boot }]) => [Number(at), line(), boot()]),
          players: Object.entries(state.players()).map(([publicId, { name, online, last }]) => {
            return { publicId, name: name(), isOnline: online(), last: last() };
          }),
          schedules: room.schedules.map(({ name, payload }) => [name, (payload as z.infer<typeof plan>).request]),
          connected: room.connections.map(({ publicId }) => publicId),
        }),
      },
      /** Drops the lines that were checked. */
      "POST /trim/:upTo": {
        async run({ state, room, params }) {
          state.base.set(Number(params.upTo));
          for (const at of Object.keys(state.log())) if (Number(at) <= state.base()) delete state.log()[at];
          await room.flush();
          return {};
        },
      },
    },
  });
}

/** Everything that it acknowledges is durable. */
export const eager = makeRoom("eager-{id}", 0);
export const lazy = makeRoom("lazy-{id}", LAZY_MS);
