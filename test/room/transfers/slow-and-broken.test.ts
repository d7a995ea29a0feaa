import { signal } from "@signe/reactive";
import { beforeEach, describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { collection, connected, persist, sync } from "../../../src/state/fields.ts";
import { MemoryRoom, VirtualClock } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";

class Player {
  steps = sync(signal(0));
  gold = persist(signal(0));
  online = connected();
  items = collection(() => ({ count: sync(signal(1)) }));
}
interface State {
  players(): Record<string, Player>;
}

/** @param walks whether all users walk all the time */
const roomOf = (maxUsers: number, walks: boolean) =>
  defineRoom({
    path: "r",
    throttleStorage: 0,
    throttleSync: 0,
    maxUsers,
    state: () => ({ players: users(Player) }),
    tick: {
      hz: walks ? 20 : 1,
      run({ state }) {
        for (const player of Object.values(state.players())) player.steps.update((steps) => steps + 1);
      },
    },
    actions: {
      earn: { run: ({ user }, gold) => user.gold.set(gold as number) },
      take: { run: ({ user }) => void (user.items()["sword"] ??= { count: sync(signal(3)) }) },
      go: { run: ({ room, conn }, to) => room.sessionTransfer(conn, to as string) },
    },
  }).compiled;

/** A lobby and a match room between which users can move. */
class Party {
  readonly clock = new VirtualClock();
  readonly lobby: MemoryRoom<State>;
  readonly match: MemoryRoom<State>;
  /** The duration of a call, in ms. */
  delay = 0;
  /** Whether calls to the match room fail. */
  isBroken = false;
  boarded = 0;
  onBoarding: () => void = () => {};

  constructor({ maxUsers = Infinity, walks = false } = {}) {
    this.lobby = new MemoryRoom<State>(roomOf(Infinity, walks), this.clock, "lobby");
    this.match = new MemoryRoom<State>(roomOf(maxUsers, walks), this.clock, "match");
    this.lobby.neighbours = this.#link(this.lobby, this.match);
    this.match.neighbours = this.#link(this.match, this.lobby);
  }

  #link(from: MemoryRoom<State>, to: MemoryRoom<State>): MemoryRoom<State>["neighbours"] {
    const call = async <T>(run: () => Promise<T>): Promise<T> => {
      if (this.isBroken && to === this.match) throw new Error("The object cannot start");
      if (this.delay > 0) await new Promise<void>((done) => this.clock.after(this.delay, done));
      return structuredClone(await run());
    };
    return {
      board: async (_to, passenger) => {
        if (from === this.lobby) this.boarded++;
        this.onBoarding();
        return call(async () => to.core.board(structuredClone(passenger)));
      },
      recall: async (_to, ...transfer) => call(async () => to.core.recall(...transfer)),
      arrived: async (_to, ...transfer) => call(async () => to.core.arrived(...transfer)),
      fetch: async () => new Response(null),
      call: async () => ({ ok: true, value: undefined }),
    };
  }

  /** Advances the time, and lets promises settle. */
  async advance(ms: number): Promise<void> {
    const step = ms > 1000 ? 100 : 10;
    for (let passed = 0; passed < ms; passed += step) {
      for (const room of [this.lobby, this.match]) await room.advance(room === this.lobby ? step : 0);
      for (let step = 0; step < 30; step++) await Promise.resolve();
    }
  }

  async say(room: MemoryRoom<State>, socket: MemorySocket, action: string, value?: unknown): Promise<void> {
    void room.core.message(socket, JSON.stringify({ action, value, id: action }));
    for (let step = 0; step < 30; step++) await Promise.resolve();
  }
}

/** The answer to the last message of a client. */
const answer = ({ texts }: MemorySocket) =>
  texts
    .map((text) => JSON.parse(text) as { type: string; value: { id?: string; result?: string; code?: string } })
    .findLast(({ value }) => value.id !== undefined)?.value;
const usersOf = (room: MemoryRoom<State>) => Object.values(room.state.players());
const goldOf = (room: MemoryRoom<State>) => usersOf(room).map(({ gold }) => gold());

let party: Party;
let ada: MemorySocket;

async function begin(options: ConstructorParameters<typeof Party>[0] = {}): Promise<void> {
  party = new Party(options);
  ada = await party.lobby.connect("ada");
  await party.say(party.lobby, ada, "earn", 7);
  await party.say(party.lobby, ada, "take");
}

describe("a user who changes all the time during a transfer to a room that takes 100 ms", () => {
  beforeEach(async () => {
    await begin({ walks: true });
    party.delay = 100;
  });

  it("arrives after a few rounds, with the last values, and is in one room", async () => {
    await party.say(party.lobby, ada, "go", "match");
    await party.advance(300);
    const before = usersOf(party.lobby)[0]?.steps() ?? 0;
    await party.advance(300);
    expect(party.boarded).toBe(4);
    expect(answer(ada)).toMatchObject({ result: expect.any(String) as string });
    expect(usersOf(party.lobby)).toEqual([]);
    const [arrived] = usersOf(party.match);
    // The user cannot change while they are sent for the last time, so only a few steps are missing.
    expect(arrived?.steps()).toBeGreaterThan(before - 10);
    expect(arrived?.items()["sword"]?.count()).toBe(3);
    expect(
      Object.keys(Object.fromEntries(party.lobby.storage.rows)).filter((key) => key.startsWith("players")),
    ).toEqual([]);
  });

  it("stays unchanged if the last round refuses them, for other clients too", async () => {
    const watcher = await party.lobby.connect("bob");
    await party.say(party.lobby, ada, "go", "match");
    party.onBoarding = () => {
      if (party.boarded < 4) return;
      party.match.neighbours.board = async () => ({ ok: false, code: "room_full", message: "full" });
      party.match.core.board = async () => ({ ok: false, code: "room_full", message: "The room is full" });
    };
    await party.advance(600);
    expect(answer(ada)).toMatchObject({ code: "room_full" });
    const { publicId } = ada.attachment() as { publicId: string };
    expect(watcher.clients[0]?.state).toMatchObject({
      players: { [publicId]: { online: true, items: { sword: { count: 3 } } } },
    });
    const steps = party.lobby.state.players()[publicId]?.steps() ?? 0;
    await party.advance(200);
    expect(party.lobby.state.players()[publicId]?.steps()).toBeGreaterThan(steps);
    await party.say(party.lobby, ada, "earn", 8);
    expect(goldOf(party.lobby)).toContain(8);
    party.lobby.crash();
    expect(party.lobby.state.players()[publicId]?.items()["sword"]?.count()).toBe(3);
    expect(goldOf(party.lobby)).toContain(8);
  });

  it("can do nothing, and cannot join again, while they are sent for the last time", async () => {
    await party.say(party.lobby, ada, "go", "match");
    const watcher = await party.lobby.connect("bob");
    while (party.boarded < 4) await party.advance(10);
    expect(usersOf(party.lobby)).toHaveLength(1);
    expect((await party.lobby.connect("ada")).closedWith?.code).toBe(4503);
    await party.say(party.lobby, watcher, "earn", 1);
    await party.advance(500);
    expect(goldOf(party.match)).toEqual([7]);
    expect(ada.isOpen).toBe(true);
  });

  it.each([1, 2, 3, 4])("is in one room if theirs crashes in round %i", async (round) => {
    await party.say(party.lobby, ada, "go", "match");
    while (party.boarded < round) await party.advance(10);
    party.lobby.crash();
    // Calls take no time now, because the alarm of a room in memory would wait for them without advancing the time.
    party.delay = 0;
    await party.advance(10_000);
    expect([...goldOf(party.lobby), ...goldOf(party.match)]).toEqual([7]);
    expect((await party.lobby.connect("ada")).isOpen).toBe(true);
    expect([goldOf(party.lobby), goldOf(party.match)]).toEqual([[7], []]);
  });
});

const departed = (room: MemoryRoom<State>) =>
  [...room.storage.rows.keys()].filter((key) => key.startsWith("$departed"));

describe("a room that is unreachable for good", () => {
  beforeEach(() => begin());

  it("does not affect users in the lobby who had arrived there: nothing is remembered of them", async () => {
    await party.say(party.lobby, ada, "go", "match");
    expect(departed(party.lobby)).toHaveLength(1);
    const there = await party.match.connect("ada", null, answer(ada)?.result);
    await party.advance(50);
    expect(there.isOpen).toBe(true);
    expect(departed(party.lobby)).toEqual([]);
    party.isBroken = true;
    expect((await party.lobby.connect("ada")).isOpen).toBe(true);
    expect(goldOf(party.lobby)).toEqual([0]);
  });

  /** The match room becomes unreachable during a transfer, so the user comes back to the lobby as a new user. */
  async function letIn(): Promise<MemorySocket> {
    await party.say(party.lobby, ada, "go", "match");
    party.isBroken = true;
    const joining = party.lobby.connect("ada");
    await party.advance(2500);
    expect(usersOf(party.lobby)).toEqual([]);
    await party.advance(3000);
    const socket = await joining;
    expect(socket.isOpen).toBe(true);
    expect(goldOf(party.lobby)).toEqual([0]);
    return socket;
  }

  it("makes users who had not arrived new users after some seconds; when it answers, they are restored", async () => {
    const socket = await letIn();
    party.isBroken = false;
    await party.advance(70_000);
    expect(goldOf(party.lobby)).toEqual([7]);
    expect(usersOf(party.match)).toEqual([]);
    expect(departed(party.lobby)).toEqual([]);
    const { publicId } = socket.attachment() as { publicId: string };
    expect(socket.clients[0]?.state).toMatchObject({ players: { [publicId]: { online: true, items: { sword: {} } } } });
    await party.say(party.lobby, socket, "earn", 9);
    party.lobby.crash();
    expect(goldOf(party.lobby)).toEqual([9]);
  });

  it("keeps users who went there meanwhile, and they are no longer in the lobby", async () => {
    const socket = await letIn();
    party.isBroken = false;
    // Join with the session id alone, without the transfer token.
    const there = await party.match.connect("ada");
    await party.advance(70_000);
    expect([goldOf(party.lobby), goldOf(party.match)]).toEqual([[], [7]]);
    expect(there.isOpen).toBe(true);
    await party.say(party.lobby, socket, "earn", 9);
    expect(answer(socket)).toMatchObject({ code: "forbidden" });
  });

  it("accepts users who had not arrived, also with the URL of their first arrival and its used token", async () => {
    await party.say(party.lobby, ada, "go", "match");
    const there = await party.match.connect("ada", null, answer(ada)?.result);
    await party.say(party.match, there, "go", "lobby");
    const token = answer(there)?.result;
    const here = await party.lobby.connect("ada", null, token);
    await party.say(party.lobby, here, "go", "match");
    party.isBroken = true;
    const joining = party.lobby.connect("ada", null, token);
    await party.advance(5500);
    expect((await joining).isOpen).toBe(true);
    expect(goldOf(party.lobby)).toEqual([0]);
    // The token does not let anybody else in.
    expect((await party.lobby.connect("bob", null, token)).closedWith?.code).toBe(4403);
    party.isBroken = false;
    await party.advance(70_000);
    expect([goldOf(party.lobby), goldOf(party.match)]).toEqual([[7], []]);
  });

  /** The user comes back to the lobby twice. The first connection still waits when the second one leaves again. */
  async function comeTwice(): Promise<{
    joining: Promise<MemorySocket>;
    second: MemorySocket;
    answerFirst: () => void;
  }> {
    await party.say(party.lobby, ada, "go", "match");
    const { neighbours } = party.lobby;
    const { promise: isAnswered, resolve } = Promise.withResolvers<void>();
    party.lobby.neighbours = {
      ...neighbours,
      recall: async (...transfer) => {
        party.lobby.neighbours = neighbours;
        const found = await neighbours.recall(...transfer);
        await isAnswered;
        return found;
      },
    };
    const joining = party.lobby.connect("ada");
    const second = await party.lobby.connect("ada");
    expect(goldOf(party.lobby)).toEqual([7]);
    await party.say(party.lobby, second, "go", "match");
    expect([goldOf(party.lobby), goldOf(party.match)]).toEqual([[], [7]]);
    return { joining, second, answerFirst: resolve };
  }

  it.each(["when its first answer comes", "though its first answer never comes"])(
    "does not accept as new users those who came, left again and arrived meanwhile, %s",
    async (when) => {
      const { joining, second, answerFirst } = await comeTwice();
      const there = await party.match.connect("ada", null, answer(second)?.result);
      await party.advance(50);
      expect(departed(party.lobby)).toEqual([]);
      if (when.startsWith("when")) answerFirst();
      await party.advance(5500);
      expect((await joining).closedWith?.code).toBe(4403);
      expect([goldOf(party.lobby), goldOf(party.match)]).toEqual([[], [7]]);
      expect(there.isOpen).toBe(true);
    },
  );

  it("is asked again for users who came and left again while it did not answer: they are not in both rooms", async () => {
    const { joining } = await comeTwice();
    await party.advance(5500);
    expect((await joining).isOpen).toBe(true);
    expect([goldOf(party.lobby), goldOf(party.match)]).toEqual([[7], []]);
  });

  it("accepts users who came and left again while it did not answer, though it fails then", async () => {
    const { joining, answerFirst } = await comeTwice();
    party.isBroken = true;
    answerFirst();
    await party.advance(5500);
    expect((await joining).isOpen).toBe(true);
    expect(goldOf(party.lobby)).toEqual([0]);
    party.isBroken = false;
    await party.advance(70_000);
    expect([goldOf(party.lobby), goldOf(party.match)]).toEqual([[7], []]);
  });

  it("does not lose what users had when they left again, once it answers", async () => {
    const socket = await letIn();
    party.isBroken = false;
    await party.say(party.lobby, socket, "go", "match");
    await party.advance(2000);
    expect([goldOf(party.lobby), goldOf(party.match)]).toEqual([[], [7]]);
  });

  it.each(["match", "third"])(
    "does not let the new user go on to %s while it does not answer: nothing is lost",
    async (to) => {
      const socket = await letIn();
      await party.say(party.lobby, socket, "go", to);
      await party.advance(3000);
      expect(answer(socket)).toMatchObject({ code: "internal" });
      party.isBroken = false;
      await party.advance(70_000);
      expect([goldOf(party.lobby), goldOf(party.match)]).toEqual([[7], []]);
      await party.say(party.lobby, socket, "go", "match");
      expect([goldOf(party.lobby), goldOf(party.match)]).toEqual([[], [7]]);
    },
  );

  it("is asked again by the alarm after a crash of the lobby", async () => {
    await letIn();
    party.lobby.kill();
    party.isBroken = false;
    party.lobby.start();
    await party.advance(70_000);
    expect([goldOf(party.lobby), goldOf(party.match)]).toEqual([[7], []]);
  });
});

describe("a reserved place", () => {
  it("is free again after 30 seconds; then users can still join if there is one", async () => {
    await begin({ maxUsers: 1 });
    await party.say(party.lobby, ada, "go", "match");
    await party.advance(29_000);
    expect((await party.match.connect("bob")).closedWith?.code).toBe(4503);
    await party.advance(2000);
    const bob = await party.match.connect("bob");
    expect(bob.isOpen).toBe(true);
    const token = answer(ada)?.result;
    expect((await party.match.connect("ada", null, token)).closedWith?.code).toBe(4503);
    party.match.disconnect(bob);
    expect((await party.match.connect("ada", null, token)).isOpen).toBe(true);
  });
});
