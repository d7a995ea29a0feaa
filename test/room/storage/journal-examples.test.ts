import { signal } from "@signe/reactive";
import { afterEach, describe, expect, it, vi } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { Journal } from "../../../src/room/storage/journal.ts";
import { users } from "../../../src/app/users.ts";
import { collection, sync } from "../../../src/state/fields.ts";
import { MemoryRoom } from "../../support/memory.ts";

class Player {
  clock = sync(signal(300));
  isTyping = sync(signal(false), { persist: false });
}
const stateOf = () => ({
  turn: sync(signal(0)),
  board: sync(signal<string[]>([])),
  players: users(Player),
  messages: collection(() => ({ text: sync(signal("")) })),
});
type State = ReturnType<typeof stateOf>;

/** Numbers from 0 to 1, evenly distributed, and the same in each run. */
function numbers(): () => number {
  let seed = 7;
  return () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
}

/** Plays, and counts the rows that are written, including those for setting alarms. */
async function cost(
  throttleStorage: number,
  clients: number,
  meanMs: number,
  play: (state: State, turn: number) => void,
) {
  const { compiled } = defineRoom({
    path: "r",
    throttleSync: 0,
    throttleStorage,
    state: stateOf,
    actions: { say: { run: ({ state }, turn) => play(state, turn as number) } },
  });
  const room = new MemoryRoom<State>(compiled);
  for (let index = 0; index < clients; index++) await room.connect(`p${index}`, null, undefined, "protocol=2");
  await room.advance(10_000);
  room.storage.writes = room.alarmsSet = 0;
  const random = numbers();
  for (let turn = 0; turn < 400; turn++) {
    await room.advance(Math.round(-Math.log(random()) * meanMs));
    const socket = room.sockets[turn % clients];
    if (socket) await room.core.message(socket, JSON.stringify({ action: "say", value: turn, id: turn }));
  }
  await room.advance(20_000);
  return room.storage.writes + room.alarmsSet;
}

const chess = (state: State, turn: number) => {
  state.board.update((board) => [...board, `move ${turn}`]);
  state.turn.set(turn);
  Object.values(state.players())[turn % 2]?.clock.update((clock) => clock - 1);
};
const chat = (state: State, turn: number) => {
  state.messages()[`m${turn}`] = { text: sync(signal(`text ${turn}`)) };
  delete state.messages()[`m${turn - 200}`];
  Object.values(state.players())[turn % 50]?.isTyping.set(turn % 3 === 0);
};

afterEach(() => vi.restoreAllMocks());

describe("occasional changes cost hardly more rows than without a journal", () => {
  it.each<[string, number, number, number, typeof chess]>([
    ["chess, a move in 30 s", 1000, 2, 30_000, chess],
    ["chess, a move in 5 s", 1000, 2, 5000, chess],
    ["chess, a move in 2 s", 1000, 2, 2000, chess],
    ["chess, a move in 5 s, stored at once", 0, 2, 5000, chess],
    ["a chat of 50 who write once a minute", 1000, 50, 1200, chat],
    ["the same, stored at once", 0, 50, 1200, chat],
  ])("%s", async (_name, throttle, clients, mean, play) => {
    const rows = await cost(throttle, clients, mean, play);
    vi.spyOn(Journal.prototype, "save").mockImplementation(function (this: Journal, _now, _keys, run) {
      this.transaction(run);
    });
    const before = await cost(throttle, clients, mean, play);
    // Allow 1% more, because two moves may by chance be so close together that the room counts as busy.
    expect(rows).toBeLessThanOrEqual(before * 1.01);
  });
});
