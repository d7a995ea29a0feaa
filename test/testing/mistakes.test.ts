import { describe, expect, it } from "vitest";
import * as z from "zod";
import { createRooms, defineRoom, jwt, signal, sync, users } from "../../src/index.ts";
import type { AnyRoom, LogEntry } from "../../src/index.ts";
import { assertBindings } from "../../src/objects/bindings.ts";
import { testService } from "../../src/testing/index.ts";

const [page = ""] = Object.values<string>(
  import.meta.glob("../../docs/mistakes.md", { query: "?raw", import: "default", eager: true }),
);

/** A mistake of a developer, and a function that makes it and returns what is shown. */
interface Mistake {
  /** The name of the mistake on the page in docs. */
  readonly about: string;
  /** The error or a part of it, which the page must contain too. */
  readonly shown: string;
  readonly make: () => unknown;
}

const count = () => sync(signal(0));
const room = (more: object = {}): AnyRoom =>
  defineRoom({ path: "game-{id}", state: () => ({ count: count() }), ...more });

/** Returns the message of the error that a function throws. */
async function thrown(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    return (error as Error).message;
  }
  return "Nothing was thrown";
}

/** Runs a room, sends it the same action twice, and returns its log. */
async function logged(more: object): Promise<string> {
  const entries: LogEntry[] = [];
  const definition = room(more);
  const service = await testService({ rooms: [definition], log: (entry) => entries.push(entry) });
  const client = await (await service.room(definition)).createClient();
  // The kit may throw as well, because it waits for a packet that a change in place never causes.
  for (let time = 0; time < 2; time++) await client.send({ action: "go" }).catch(() => {});
  return entries.map((entry) => Object.values(entry).join(" ")).join("\n");
}

/** Does the same for an action that changes the state. */
const logOf = (state: () => object, run: (state: never) => void) =>
  logged({ state, actions: { go: { run: ({ state: own }: { state: never }) => run(own) } } });

/** Returns the error in the answer to an HTTP request. */
async function answered(path: string): Promise<string> {
  return (await testService({ rooms: [room()] })).fetch(path).then(async (response) => {
    const { error } = await response.json<{ error: string }>();
    return error;
  });
}

class Player {
  x = sync(signal(0));
}
const scores = sync(signal<number[]>([]));
interface Settable {
  readonly at: { set(value: unknown): void };
}

const MISTAKES: readonly Mistake[] = [
  {
    about: "`sync` is forgotten: `count: signal(0)`",
    shown:
      "Clients see nothing of this state. Wrap the signals that they should see in sync(), such as sync(signal(0))",
    make: () =>
      logOf(
        () => ({ count: signal(0) }),
        () => {},
      ),
  },
  {
    about: "A value is changed in place: `state.list()[0].a.b = 1`",
    shown: "list was changed in place, which its signal does not notice: use mutate, or set a new value",
    make: () =>
      logOf(
        () => ({ list: sync(signal([{ a: { b: 0 } }])) }),
        ({ list }: { list: () => [{ a: { b: number } }] }) => void list()[0].a.b++,
      ),
  },
  {
    about: "`state` is async",
    shown: "state() cannot be async: load data in onStart, and set fields there",
    make: () => logged({ state: async () => ({}) }).catch((error: Error) => error.message),
  },
  {
    about: "A signal is made outside of `state()`",
    shown: "scores is the same signal in all rooms: make it inside state()",
    make: () => thrown(() => logged({ state: () => ({ scores }) })),
  },
  {
    about: "A `Date` is set",
    shown: "JSON has no form for a Date; use a number, or the text of toISOString()",
    make: () =>
      logOf(
        () => ({ at: sync(signal<unknown>(0)) }),
        ({ at }: Settable) => at.set(new Date()),
      ),
  },
  {
    about: "A `Map` is set",
    shown: "JSON has no form for a Map; use an object",
    make: () =>
      logOf(
        () => ({ at: sync(signal<unknown>(0)) }),
        ({ at }: Settable) => at.set(new Map()),
      ),
  },
  {
    about: "A plain property is changed: `state.round = 2`",
    shown: "is a plain property and is lost when the room hibernates: use a signal with sync() or persist()",
    make: () =>
      logOf(
        () => ({ round: 1, count: count() }),
        (state: { round: number }) => void state.round++,
      ),
  },
  {
    about: "An entry is kept in a plain property: `state.leader = player`",
    shown: "which is lost when the room hibernates: use reference()",
    make: () =>
      logOf(
        () => ({ leader: null as object | null, players: users(Player) }),
        (state: { leader: unknown; players: () => Record<string, object> }) =>
          void (state.leader = Object.values(state.players())[0]),
      ),
  },
  {
    about: "A field is assigned: `state.count = 5`",
    shown: "it is a field and cannot be replaced: change its value with set()",
    make: () =>
      logOf(
        () => ({ count: count() }),
        (state: { count: unknown }) => void (state.count = 5),
      ),
  },
  {
    about: 'The path begins with a slash: `path: "/lobby-{id}"`',
    shown: 'has to begin without /: write "lobby-{id}"',
    make: () => thrown(() => room({ path: "/lobby-{id}" })),
  },
  {
    about: "A client connects to a room that does not exist",
    shown: 'There is no room "lobby-1" in the party "main". Its paths: "game-{id}"',
    make: () => answered("/parties/main/lobby-1"),
  },
  {
    about: "A client connects to a party that does not exist",
    shown: 'There is no party "games". There are: main',
    make: () => answered("/parties/games/game-1"),
  },
  {
    about: "An option is misspelled: `onjoin`",
    shown: 'there is no option "onjoin". Known: path, state',
    make: () => thrown(() => room({ onjoin: () => {} })),
  },
  {
    about: "An action has no `run`",
    shown: 'the action "hit" run has to be a function',
    make: () => thrown(() => room({ actions: { hit: { input: z.string() } } })),
  },
  {
    about: "A schema is from zod before 3.24, or is not a schema",
    shown: 'the action "hit" has an input that is not a schema',
    make: () => thrown(() => room({ actions: { hit: { input: { parse: String }, run: () => {} } } })),
  },
  {
    about: "A schema requires a value that JSON does not have: `z.date()`",
    shown: "has an input that no client can satisfy",
    make: () => thrown(() => room({ actions: { hit: { input: z.date(), run: () => {} } } })),
  },
  {
    about: "A client calls an action that does not exist",
    shown: "There is no such action. There are: hit",
    make: () =>
      thrown(async () => {
        const hit = room({ actions: { hit: { run: () => {} } } });
        const { createClient } = await (await testService({ rooms: [hit] })).room(hit);
        await (await createClient()).call("hti");
      }),
  },
  {
    about: "A binding is missing in `wrangler.toml`",
    shown: "Missing Durable Object binding WORLDS. Add to wrangler.toml:",
    make: () => thrown(() => assertBindings(["ROOMS", "WORLDS"], { ROOMS: {} })),
  },
  {
    about: "A room needs a token, and `createRooms` has no `auth`",
    shown: 'requires authentication. Add auth: jwt({ secret: "AUTH_JWT_SECRET" })',
    make: () => thrown(() => createRooms({ rooms: [room({ auth: "required" })] })),
  },
  {
    about: "A token is not signed with the secret of the Worker",
    shown: "The token is not valid",
    make: () =>
      thrown(async () => {
        const definition = room();
        const service = await testService({ rooms: [definition], auth: jwt({ secret: "AUTH_JWT_SECRET" }) });
        await (await service.room(definition)).createClient({ token: "x.y.z" });
      }),
  },
  {
    about: "`world: {}` is written instead of `world: worlds({})`",
    shown: "world has to be made with worlds()",
    make: () => thrown(() => createRooms({ rooms: [room()], world: {} as never })),
  },
  {
    about: "`WorldObject` is exported, and there are no Worlds",
    shown: "there is no WorldObject without Worlds. Add world: worlds()",
    make: () => thrown(() => (createRooms({ rooms: [room()] }) as unknown as { WorldObject: unknown }).WorldObject),
  },
  {
    about: "`room.setListing` is called, and there are no Worlds",
    shown: "setListing: this service has no Worlds",
    make: () => logged({ onStart: ({ room: own }: { room: { setListing(of: object): void } }) => own.setListing({}) }),
  },
];

describe("a typical mistake is shown where the developer looks", () => {
  it.each(MISTAKES)("$about", async ({ about, shown, make }) => {
    expect(await make()).toContain(shown);
    // The page must have the same text.
    expect(page).toContain(about);
    expect(page.replaceAll("\\|", "|")).toContain(shown);
  });
});
